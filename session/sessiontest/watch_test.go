package sessiontest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sessiontest"
)

func TestUntold(t *testing.T) {
	id, at := session.NewToken("ada").ID(), time.Now()
	heard := func(kind session.ChangeKind, after time.Duration) session.Change {
		return session.Change{Kind: kind, Heard: at.Add(after)}
	}
	ended := session.Change{Kind: session.ChangeEnded, ID: id}
	connected := func(before time.Duration) session.Change { return heard(session.ChangeConnected, -before) }
	after, lost := heard(session.ChangeHeard, 1), session.Change{Kind: session.ChangeLost}
	for _, test := range []struct {
		name string
		told []session.Change
		want []session.ID
	}{
		{"nothing was promised", []session.Change{connected(time.Minute), heard(session.ChangeHeard, 0)}, nil},
		{"told before", []session.Change{connected(time.Minute), ended, after}, nil},
		{"told after", []session.Change{connected(time.Minute), after, ended}, []session.ID{id}},
		{"never told", []session.Change{connected(time.Minute), after}, []session.ID{id}},
		{"it may have been missed", []session.Change{connected(time.Minute), lost, connected(-1), after}, nil},
		{"it ended during the call, before the connection", []session.Change{connected(time.Millisecond), after}, nil},
		{"connected again before it ended", []session.Change{connected(time.Hour), lost, connected(time.Minute), after}, []session.ID{id}},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, sessiontest.Untold(test.told, map[session.ID]sessiontest.Span{id: {Called: at.Add(-time.Second), Returned: at}}))
		})
	}
}
