package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage/loginstagetest"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// bearer signs a client of the API in, and returns the header with its token.
func (s *served) bearer() http.Header {
	s.t.Helper()
	client := *s.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, _ := s.post(&client, "/login", url.Values{"password": {"secret"}}, nil)
	token := response.Header.Get(session.DefaultTokenHeader)
	require.NotEmpty(s.t, token)
	return http.Header{"Authorization": {"Bearer " + token}}
}

// ticket returns a ticket for the client with the header.
func (s *served) ticket(bearer http.Header) string {
	s.t.Helper()
	response, ticket := s.post(s.server.Client(), "/clock/ticket", nil, bearer)
	require.Equal(s.t, http.StatusOK, response.StatusCode, ticket)
	require.Equal(s.t, "no-store", response.Header.Get("Cache-Control"))
	return ticket
}

// dialWith opens the WebSocket with a ticket, and nothing else.
func (s *served) dialWith(ticket string) (*websocket.Conn, error) {
	s.t.Helper()
	return s.dial(s.server.Client(), nil, protocol, ticketPrefix+ticket)
}

func TestABearerOpensASocketWithAHeader(t *testing.T) {
	s := serve(t, memstore.New())
	conn, err := s.dial(s.server.Client(), s.bearer())
	require.NoError(t, err)
	ticks(t, conn)
}

func TestATicketOpensASocketOnce(t *testing.T) {
	s := serve(t, memstore.New())
	bearer := s.bearer()
	ticket := s.ticket(bearer)
	assert.NotContains(t, ticket, strings.TrimPrefix(bearer.Get("Authorization"), "Bearer "))
	conn, err := s.dialWith(ticket)
	require.NoError(t, err)
	assert.Equal(t, protocol, conn.Subprotocol(), "the answer does not repeat the ticket")
	ticks(t, conn)
	_, err = s.dialWith(ticket)
	assert.ErrorContains(t, err, "401", "it was used")
	again, err := s.dialWith(s.ticket(bearer))
	require.NoError(t, err)

	_, err = s.login.RevokeUser(t.Context(), "ada", "operator")
	require.NoError(t, err)
	for _, conn := range []*websocket.Conn{conn, again} {
		assert.Equal(t, websocket.StatusPolicyViolation, closes(t, conn), "it closes with the session")
	}
}

// Of many that have read one ticket, in whichever process, one opens a WebSocket.
func TestATicketIsUsedInOneProcess(t *testing.T) {
	store := memstore.New()
	here, there := serve(t, store), serve(t, store)
	ticket := here.ticket(here.bearer())
	var opened atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			s := []*served{here, there}[i%2]
			if _, err := s.dialWith(ticket); err == nil {
				opened.Add(1)
			} else {
				assert.ErrorContains(t, err, "401")
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, opened.Load())
}

func TestWhatIsNoTicket(t *testing.T) {
	s := serve(t, memstore.New())
	bearer := s.bearer()
	token, err := session.ParseToken(strings.TrimPrefix(bearer.Get("Authorization"), "Bearer "))
	require.NoError(t, err)
	good := s.ticket(bearer)
	now := time.Now()
	others, err := newTickets([]byte(rand.Text()+"123456"), s.login, memstore.New())
	require.NoError(t, err)
	for name, ticket := range map[string]string{
		"nothing":            "",
		"the token":          token.Secret(),
		"the ID":             token.ID().String(),
		"changed":            strings.ToLower(good),
		"cut off":            good[:len(good)-4],
		"too old":            s.tickets.seal(token, "/clock", now),
		"for another path":   s.tickets.seal(token, "/orders", now.Add(ticketTime)),
		"of another key":     others.seal(token, "/clock", now.Add(ticketTime)),
		"of no token":        s.tickets.seal(session.Token{}, "/clock", now.Add(ticketTime)),
		"of another session": s.tickets.seal(session.NewToken("ada"), "/clock", now.Add(ticketTime)),
	} {
		_, err := s.dialWith(ticket)
		assert.ErrorContains(t, err, "401", name)
	}
	_, err = s.dialWith(good)
	require.NoError(t, err, "none of them has used it up")

	ticket := s.ticket(bearer)
	_, err = s.login.RevokeUser(t.Context(), "ada", "operator")
	require.NoError(t, err)
	_, err = s.dialWith(ticket)
	assert.ErrorContains(t, err, "401", "its session has ended")
}

// A script that was injected into a page gets no ticket by the user's cookie.
func TestTicketsAreForBearersAlone(t *testing.T) {
	s := serve(t, memstore.New())
	response, _ := s.post(s.browser(), "/clock/ticket", nil, nil)
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	response, _ = s.post(s.server.Client(), "/clock/ticket", nil, nil)
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
}

// Where nobody knows whether a ticket was used, it opens nothing.
func TestTicketsWithAStoreThatFails(t *testing.T) {
	inner := memstore.New()
	store := loginstagetest.NewStore(inner)
	s := serve(t, inner)
	tickets, err := newTickets(testKey, s.login, store)
	require.NoError(t, err)
	ticket := s.ticket(s.bearer())
	*s.tickets = *tickets
	store.Fail(errors.New("no store today"))
	_, err = s.dialWith(ticket)
	assert.ErrorContains(t, err, "503")
	store.Repair()
	_, err = s.dialWith(ticket)
	assert.NoError(t, err)
}

func TestTheKeyOfTicketsIsLong(t *testing.T) {
	_, err := newTickets([]byte("short"), nil, memstore.New())
	assert.ErrorContains(t, err, "5 bytes: want 32")
}

// Nobody without the key makes a ticket, and no text of a client panics.
func FuzzTicket(f *testing.F) {
	others, err := newTickets(testKey, nil, memstore.New())
	if err != nil {
		f.Fatal(err)
	}
	token := session.NewToken("ada")
	sealed := others.seal(token, "/clock", time.Now())
	for _, seed := range []string{"", "A", sealed, sealed[:20], sealed + "A", sealed + "=", token.Secret(), base64.RawURLEncoding.EncodeToString(make([]byte, 81))} {
		f.Add(seed)
	}
	tickets, err := newTickets([]byte("another key of 32 bytes, for it."), nil, memstore.New())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, ticket string) {
		if _, _, err := tickets.open(ticket, "/clock"); err == nil {
			t.Errorf("%q is taken for a ticket", ticket)
		}
	})
}
