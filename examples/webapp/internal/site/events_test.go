package site

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
)

// message is one of a stream.
type message struct{ event, id, data string }

// stream opens the visitor's stream of events and returns how to read the next
// message; at the end of the stream that is the zero message.
func (v *visitor) stream(after string) (next func() message) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.url+"/events?after="+after, nil)
	require.NoError(v.t, err)
	r.Header.Set("Accept", "text/event-stream")
	response, err := v.client.Do(r)
	require.NoError(v.t, err)
	v.t.Cleanup(func() { response.Body.Close() })
	require.Equal(v.t, "text/event-stream", response.Header.Get("Content-Type"))
	lines := bufio.NewScanner(response.Body)
	return func() message {
		var m message
		for lines.Scan() {
			key, value, _ := strings.Cut(lines.Text(), ":")
			switch value = strings.TrimPrefix(value, " "); key {
			case "event":
				m.event = value
			case "id":
				m.id = value
			case "data":
				m.data = value
			}
			if lines.Text() == "" && m != (message{}) {
				return m
			}
		}
		return message{}
	}
}

func (m message) title(t *testing.T) string {
	t.Helper()
	var row eventRow
	require.NoError(t, json.Unmarshal([]byte(m.data), &row), "%+v", m)
	return row.Title
}

func TestEventsAreShownAsTheyHappenUntilTheSessionEnds(t *testing.T) {
	server := open(t)
	laptop, phone, other := newVisitor(t, server), newVisitor(t, server), newVisitor(t, server)
	laptop.signIn("ada", ada, "no")
	next := laptop.stream("")
	first := next()
	assert.Equal(t, "Signed in on a new device", first.title(t))

	other.signIn("grace", grace, "no") // is none of ada's business
	phone.signIn("ada", ada, "no")
	second := next()
	assert.Equal(t, "happened", second.event)
	assert.Equal(t, "Signed in on a new device", second.title(t))
	phone.post("/logout")
	assert.Equal(t, "Signed out", next().title(t))

	again := laptop.stream(first.id)
	assert.Equal(t, second, again(), "a stream goes on where the one before it stopped")

	laptop.post("/logout")
	assert.Equal(t, "ended", next().event)
	assert.Equal(t, message{}, next(), "the stream is over")
}

func TestEventsAreForThoseWhoAreSignedIn(t *testing.T) {
	v := newVisitor(t, open(t))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.url+"/events", nil)
	require.NoError(t, err)
	response, err := v.client.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
}

func TestTheEventLogKeepsTheLatest(t *testing.T) {
	log := newEventLog()
	for i := range keptEvents + 5 {
		require.NoError(t, log.Emit(t.Context(), loginstage.Event{User: "ada", ID: string(rune('A' + i))}))
	}
	kept := log.latest("ada")
	require.Len(t, kept, keptEvents)
	assert.Equal(t, string(rune('A'+5)), kept[0].ID)
	assert.Empty(t, log.latest("grace"))

	after, _ := log.since("ada", kept[keptEvents-2].ID)
	assert.Equal(t, kept[keptEvents-1:], after)
	all, _ := log.since("ada", "forgotten")
	assert.Equal(t, kept, all)
}
