package memstore

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unique"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// An entry is a session that lives, or that ended and whose ending is kept. It takes
// little space: parts that many sessions share are there once, and parts that few have
// are behind a pointer.
//
// Once an entry is in a table it is read without the shard's lock, so that what is read
// then changes through the atomic pointers alone.
type entry struct {
	id           session.ID
	kind         session.Kind
	knownDevice  bool
	staySignedIn bool

	user, name       string
	common           unique.Handle[common]
	created, expires instant
	idle, maxAge     time.Duration
	resume           time.Duration
	tellExpiry       time.Duration
	lineage          *session.ID // nil: zero, as of nearly all
	anchor           binding.Location
	authTime         instant
	amr              []string
	use              atomic.Pointer[use]
	ending           atomic.Pointer[session.Ending] // nil: it lives

	// With the lock only.
	place          int32  // among the limits of the shard that it is in
	earlier, later *entry // of the same user, while it lives
}

// use is what changes in a session when it is used. It does not change itself, and is the
// session's [session.Snapshot].
type use struct {
	of       *entry
	lastSeen instant
	ip       netip.Addr
	drift    *session.Drift // nil: none
	state    *state         // nil: none
}

// state is what an Update changes.
type state struct {
	required []string
	value    []byte
	device   string
	version  uint64
}

// common is what the sessions of many users have in common.
type common struct {
	method, stage, userAgent, device string
	carrier                          string
	acr, actor, tenant               string
	policy                           binding.Policy
}

// newEntry returns the entry of a live session. Text that came with a request
// can be part of something much larger, so it is copied.
func newEntry(s session.Session) *entry {
	e := &entry{
		id: s.ID, kind: s.Kind, knownDevice: s.KnownDevice, staySignedIn: s.StaySignedIn,
		user: strings.Clone(s.User), name: strings.Clone(s.Name),
		common: unique.Make(common{s.Method, s.Stage, s.UserAgent, s.Device, s.Carrier, s.ACR, s.Actor, s.Tenant, s.Policy}), // copies too
		idle:   s.Idle, resume: s.Resume, maxAge: s.MaxAge, tellExpiry: s.TellExpiry, created: instantOf(s.Created), expires: instantOf(s.Expires), anchor: s.Anchor,
		authTime: instantOf(s.AuthTime), amr: cloned(s.AMR),
	}
	s.Required, s.Value, s.Device = cloned(s.Required), bytes.Clone(s.Value), e.common.Value().device
	if !s.Lineage.IsZero() {
		e.lineage = new(s.Lineage)
	}
	e.used(s)
	return e
}

// used records what changes in a session when it is used.
func (e *entry) used(s session.Session) {
	u := &use{of: e, lastSeen: instantOf(s.LastSeen), ip: s.IP}
	if !s.Drift.IsZero() {
		u.drift = new(s.Drift)
	}
	if s.Required != nil || s.Value != nil || s.Version != 0 {
		u.state = &state{s.Required, s.Value, s.Device, s.Version}
	}
	e.use.Store(u)
}

// session returns the session with its latest use.
func (e *entry) session() session.Session { return e.use.Load().Session() }

// Session returns the session as of this use.
func (u *use) Session() (s session.Session) {
	u.read(&s)
	return s
}

// read fills in s, which is zero: the session as of this use.
func (u *use) read(s *session.Session) {
	e, c := u.of, u.of.common.Value()
	s.ID, s.Kind, s.User, s.Name, s.Method, s.Stage, s.Carrier = e.id, e.kind, e.user, e.name, c.method, c.stage, c.carrier
	s.Created, s.LastSeen, s.IP, s.UserAgent, s.Device = e.created.time(), u.lastSeen.time(), u.ip, c.userAgent, c.device
	s.Expires, s.Idle, s.Resume, s.MaxAge, s.TellExpiry = e.expires.time(), e.idle, e.resume, e.maxAge, e.tellExpiry
	s.Policy, s.Anchor, s.KnownDevice, s.StaySignedIn = c.policy, e.anchor, e.knownDevice, e.staySignedIn
	s.AuthTime, s.AMR, s.ACR, s.Actor, s.Tenant = e.authTime.time(), e.amr, c.acr, c.actor, c.tenant
	if u.state != nil {
		s.Required, s.Value, s.Device, s.Version = u.state.required, u.state.value, u.state.device, u.state.version
	}
	if e.lineage != nil {
		s.Lineage = *e.lineage
	}
	if u.drift != nil {
		s.Drift = *u.drift
	}
}

// ended returns the session and its ending, for a caller to keep.
func (e *entry) ended() session.Ended {
	return session.Ended{Session: e.session(), Ending: *record(*e.ending.Load())}
}

// record returns a copy of ending that shares nothing with it.
func record(ending session.Ending) *session.Ending {
	ending.Detail = bytes.Clone(ending.Detail)
	return &ending
}

// candidate returns a live session with its limit as [session.Replace] judges it.
func (e *entry) candidate(limit time.Time) session.Candidate {
	c := session.Candidate{ID: e.id, User: e.user, Kind: e.kind, Created: e.created.time(), Deadline: limit, Tenant: e.common.Value().tenant}
	if u := e.use.Load(); u.state != nil {
		c.Version = u.state.version
	}
	return c
}

// cloned returns a copy of names that shares nothing with it, not the text either.
func cloned(names []string) []string {
	copied := slices.Clone(names)
	for i, name := range copied {
		copied[i] = strings.Clone(name)
	}
	return copied
}
