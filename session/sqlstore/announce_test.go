package sqlstore

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// A notification takes every user there may be, and as many sessions as a transaction
// ends, in texts that PostgreSQL accepts: shorter than 8000 bytes, and without a zero.
func TestPayloadsSayAllChanges(t *testing.T) {
	for _, user := range []string{"ada", "with space", "\x00\n'", strings.Repeat("ü", session.MaxUser/2)} {
		var want []session.Change
		for range mostPerStep {
			want = append(want, session.Change{
				Kind: session.ChangeEnded, ID: session.NewToken(user).ID(), User: user, Cause: session.CauseMaxSessions,
			})
		}
		want = append(want,
			session.Change{Kind: session.ChangeUpdated, ID: session.NewToken(user).ID(), User: user},
			session.Change{Kind: session.ChangeUpdated, ID: session.NewToken(user).ID(), User: user, Restricted: binding.GeoIPCityChanged})
		var got []session.Change
		for _, payload := range payloads(want) {
			require.Less(t, len(payload), 8000)
			require.NotContains(t, payload, "\x00")
			got = append(got, parsePayload(payload)...)
		}
		assert.Equal(t, want, got)
	}
}

func FuzzParsePayload(f *testing.F) {
	id := session.NewToken("ada").ID()
	f.Add(payloads([]session.Change{{Kind: session.ChangeEnded, ID: id, User: "ada", Cause: session.CauseRevoked}})[0])
	f.Add("updated  YWRh " + id.String() + " " + id.String())
	f.Add("ended revoked ! " + id.String())
	f.Fuzz(func(t *testing.T, payload string) {
		changes := parsePayload(payload)
		var again []session.Change
		for _, p := range payloads(changes) {
			again = append(again, parsePayload(p)...)
		}
		assert.ElementsMatch(t, changes, again)
	})
}
