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
	for _, test := range []struct {
		name string
		told []session.Change
		want []session.ID
	}{
		{"nothing was promised", []session.Change{heard(session.ChangeConnected, -1), heard(session.ChangeHeard, 0)}, nil},
		{"told before", []session.Change{heard(session.ChangeConnected, -1), ended, heard(session.ChangeHeard, 1)}, nil},
		{"told after", []session.Change{heard(session.ChangeConnected, -1), heard(session.ChangeHeard, 1), ended}, []session.ID{id}},
		{"never told", []session.Change{heard(session.ChangeConnected, -1), heard(session.ChangeHeard, 1)}, []session.ID{id}},
		{"it may have been missed", []session.Change{heard(session.ChangeConnected, -1), {Kind: session.ChangeLost}, heard(session.ChangeConnected, 1), heard(session.ChangeHeard, 2)}, nil},
		{"connected again before it ended", []session.Change{heard(session.ChangeConnected, -2), {Kind: session.ChangeLost}, heard(session.ChangeConnected, -1), heard(session.ChangeHeard, 2)}, []session.ID{id}},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, sessiontest.Untold(test.told, map[session.ID]time.Time{id: at}))
		})
	}
}
