package loginstagetest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
	"github.com/mooring-go/mooring/session/devicekey/devicekeytest"
)

// A part is one record of a world: a session with all that it goes on as, a challenge,
// a remembered device or a notice.
type part string

// The parts. A world has the first three, and others where a step needs them.
const (
	own         part = "the session"     // of the user, in the browser that most steps come from
	device      part = "its device"      // by which that browser is known
	other       part = "another session" // of the user, in another browser
	otherDevice part = "another device"
	pending     part = "the challenge"       // in the same browser as own
	waiting     part = "the waiting account" // of another user, in the same browser as own
	keyed       part = "the keyed session"   // of the user, with a device key
	keyedDevice part = "the keyed device"
	notice      part = "the notice"
	overdue     part = "the overdue session"
)

// What else a step can need.
const (
	terms part = "terms" // own requires them
	enrol part = "enrol"
)

// A world is what two steps meet in: a user with sessions and devices.
type world struct {
	*matrix
	user, neighbour string
	browser         *client // with own, pending and waiting
	away            *client // with other
	bound           *client // with keyed
	secret          string  // of notice
	parts           map[part]session.Session
}

// newWorld returns one with what the steps need.
func (m *matrix) newWorld(ctx context.Context, steps ...pairStep) (*world, error) {
	n := m.worlds.Add(1)
	w := &world{matrix: m, user: fmt.Sprintf("ada-%d", n), neighbour: fmt.Sprintf("bob-%d", n), parts: map[part]session.Session{}}
	w.browser, w.away, w.bound = newClient(bindingtest.Berlin), newClient(bindingtest.BerlinNeighbour), newClient(bindingtest.Berlin)
	var needs []part
	for _, step := range steps {
		needs = append(needs, step.needs...)
	}
	has := func(p part) bool { return slices.Contains(needs, p) }
	if has(waiting) {
		err := w.signIn(ctx, w.browser, loginstage.User{ID: w.neighbour}, waiting, "")
		if err == nil {
			err = w.browser.send(ctx, m.stages.plain.AddAccount)
		}
		if err != nil {
			return nil, err
		}
	}
	user := loginstage.User{ID: w.user}
	if has(terms) {
		user.Required = append(user.Required, string(terms))
	}
	if has(enrol) {
		user.Required = append(user.Required, string(enrol))
	}
	if err := w.signIn(ctx, w.browser, user, own, device); err != nil {
		return nil, err
	}
	if err := w.signIn(ctx, w.away, loginstage.User{ID: w.user}, other, otherDevice); err != nil {
		return nil, err
	}
	if has(keyed) {
		if err := w.bind(ctx); err != nil {
			return nil, err
		}
	}
	if has(pending) {
		err := w.browser.send(ctx, func(rw http.ResponseWriter, r *http.Request) (err error) {
			w.parts[pending], _, err = m.stages.asks.SignIn(rw, r, loginstage.User{ID: w.user})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if has(notice) {
		var err error
		if w.secret, err = m.stages.plain.Notice(ctx, w.parts[own]); err != nil {
			return nil, err
		}
		token, err := session.ParseToken(w.secret)
		if err != nil {
			return nil, err
		}
		w.parts[notice] = session.Session{ID: token.ID(), Kind: session.KindNotice, User: w.user}
	}
	if has(overdue) {
		return w, w.leave(ctx)
	}
	return w, nil
}

// signIn signs a user in, and keeps the session and the device under the names.
func (w *world) signIn(ctx context.Context, c *client, user loginstage.User, as, deviceAs part) error {
	err := c.send(ctx, func(rw http.ResponseWriter, r *http.Request) (err error) {
		w.parts[as], _, err = w.stages.plain.SignIn(rw, r, user)
		return err
	})
	if err == nil && deviceAs != "" {
		w.parts[deviceAs] = session.Session{ID: c.device(user.ID), Kind: session.KindDevice, User: user.ID}
	}
	return err
}

// bind signs the user in once more, and binds the session to a device key.
func (w *world) bind(ctx context.Context) error {
	if err := w.signIn(ctx, w.bound, loginstage.User{ID: w.user}, keyed, keyedDevice); err != nil {
		return err
	}
	if status := w.register(ctx, w.bound); status != http.StatusOK {
		return fmt.Errorf("a device key could not be registered: %d", status)
	}
	return nil
}

// leave makes a session that was used so long ago that it is over.
func (w *world) leave(ctx context.Context) error {
	used := time.Now().UTC().Add(-10 * time.Minute)
	s := session.Session{
		ID: session.NewToken(w.user).ID(), User: w.user, Stage: loginstage.DefaultName,
		Created: used, LastSeen: used, Expires: used.Add(time.Hour), Idle: 9 * time.Minute,
	}
	if w.journal != nil {
		s.TellExpiry = time.Hour
	}
	w.parts[overdue] = s
	_, err := w.store.Start(ctx, s, session.Replace{})
	return err
}

// A client keeps cookies, and what it was offered to register a device key with. It is
// a value: a step has a copy.
type client struct {
	ip      netip.Addr
	cookies map[string]string

	registration string // the header
	key          *devicekeytest.Device
	handle       string // of the device-bound session
	challenge    string // of the next proof
}

func newClient(ip netip.Addr) *client { return &client{ip: ip, cookies: map[string]string{}} }

// copied returns a client that has what c has now.
func (c *client) copied() *client {
	copied := *c
	copied.cookies = maps.Clone(c.cookies)
	return &copied
}

// from returns a copy of c that is at another address.
func (c *client) from(ip netip.Addr) *client {
	copied := c.copied()
	copied.ip = ip
	return copied
}

func (c *client) request(ctx context.Context, path string) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, origin.String()+path, nil)
	r.RemoteAddr = netip.AddrPortFrom(c.ip, 1).String()
	for name, value := range c.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

// send sends a request to do, and keeps the cookies of the answer.
func (c *client) send(ctx context.Context, do func(http.ResponseWriter, *http.Request) error) error {
	rw := httptest.NewRecorder()
	err := do(rw, c.request(ctx, "/"))
	c.receive(rw)
	return err
}

func (c *client) receive(rw *httptest.ResponseRecorder) {
	for _, line := range rw.Header()["Set-Cookie"] {
		cookie, err := http.ParseSetCookie(line)
		switch {
		case err != nil:
		case cookie.MaxAge < 0:
			delete(c.cookies, cookie.Name)
		default:
			c.cookies[cookie.Name] = cookie.Value
		}
	}
	if registration := rw.Header().Get("Secure-Session-Registration"); registration != "" {
		c.registration = registration
	}
	if challenge := rw.Header().Get("Secure-Session-Challenge"); challenge != "" {
		c.challenge, _, _ = strings.Cut(strings.TrimPrefix(challenge, `"`), `"`)
	}
}

// device returns the ID of the record by which the client is known for the user, or the
// zero ID.
func (c *client) device(user string) session.ID {
	for name, value := range c.cookies {
		if token, err := session.ParseToken(value); err == nil && strings.HasSuffix(name, "_device_"+session.Shard(user)) {
			return token.ID()
		}
	}
	return session.ID{}
}

// register registers a device key as Chromium does, and returns the status.
func (w *world) register(ctx context.Context, c *client) int {
	c.key = devicekeytest.New(devicekey.DBSC)
	c.handle = attribute(c.registration, "authorization")
	r := c.request(ctx, attribute(c.registration, "path"))
	r.Header.Set("Secure-Session-Response", c.key.Registration(attribute(c.registration, "challenge"), c.handle))
	return w.serveKeys(c, r)
}

// prove proves the device key, and returns the status.
func (w *world) prove(ctx context.Context, c *client) int {
	r := c.request(ctx, loginstage.DefaultDeviceKeyPath+"/dbsc/refresh")
	r.Header.Set("Sec-Secure-Session-Id", c.handle)
	r.Header.Set("Secure-Session-Response", c.key.Proof(c.challenge))
	return w.serveKeys(c, r)
}

func (w *world) serveKeys(c *client, r *http.Request) int {
	rw := httptest.NewRecorder()
	w.stages.keys.ServeHTTP(rw, r)
	c.receive(rw)
	return rw.Code
}
