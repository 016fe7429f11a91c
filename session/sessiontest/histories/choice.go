package histories

import (
	"encoding/json"
	"net/netip"
	"slices"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// A choice is one of n, from 0. Its name is for reports.
type choice func(name string, n int) int

func (c choice) yes(name string) bool { return c(name, 2) == 1 }

// A cast is the users and IDs of a history, few enough that steps meet.
type cast struct {
	now   time.Time
	users []string
	ids   []session.ID // those of users[0] first
	owner map[session.ID]string
}

// newCast returns a cast of the users, with the given number of IDs each.
func newCast(now time.Time, each int, users ...string) *cast {
	c := &cast{now: now, users: users, owner: map[session.ID]string{}}
	for _, user := range users {
		for range each {
			id := session.NewToken(user).ID()
			c.ids, c.owner[id] = append(c.ids, id), user
		}
	}
	return c
}

// lately returns the instant of a history: half an hour ago, so that no step is ahead of
// a store's clock, and no longer ago than a store keeps what expires by its own; and
// a fraction that shows what is lost.
func lately() time.Time {
	return time.Now().UTC().Truncate(time.Second).Add(123_456_789 - 30*time.Minute)
}

// The steps of a history are at the instants from two of these before it to eight
// after it.
const unit = 3 * time.Minute

func (c *cast) id(pick choice) session.ID { return c.ids[pick("ID", len(c.ids))] }

func (c *cast) user(pick choice) string { return c.users[pick("user", len(c.users))] }

func (c *cast) ip(pick choice) netip.Addr {
	return netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + pick("address", 4))})
}

// start returns a sign-in, or what else makes a record. beforeAny says whether it may end
// another user's session.
func (c *cast) start(pick choice, beforeAny func(session.ID) bool) operation {
	i := pick("ID", len(c.ids))
	id := c.ids[i]
	user := c.owner[id]
	signIn := c.now.Add(-time.Minute + time.Duration(pick("sign-in", 60))*time.Second + time.Duration(i)) // no two at once
	s := session.Session{
		ID: id, User: user, Name: "Name of " + user, Method: "password", Stage: "login", Kind: c.kind(pick),
		Created: signIn, LastSeen: signIn, IP: c.ip(pick), UserAgent: "Mozilla/5.0", KnownDevice: pick.yes("known device"),
		Expires: c.now.Add(time.Duration(2+pick("absolute limit", 4)) * unit),
		Idle:    time.Duration(pick("idle limit", 3)) * 2 * unit,
		Tenant:  []string{"", "", "a", "b"}[pick("tenant", 4)],
	}
	if s.Idle > 0 {
		s.Resume = time.Duration(pick("resume", 2)) * unit
	}
	replace := session.Replace{
		Others: pick("others", 4) == 3, Max: pick("maximum", 4), Deny: pick("deny", 3) == 2, PerTenant: pick("per tenant", 3) == 2,
		Version: c.version(pick), Ending: c.ending(pick, ""),
	}
	if pick.yes("before") {
		if before := c.id(pick); c.owner[before] == user || beforeAny(id) {
			replace.Before = before
		}
	}
	switch pick("goes on from", 6) {
	case 0:
		replace.Answers = c.own(pick, user)
	case 1:
		replace.Renews = c.own(pick, user)
	case 2:
		replace.Answers, replace.Renews = c.own(pick, user), c.own(pick, user)
	}
	return operation{method: "Start", id: id, user: user, session: s, replace: replace}
}

// own returns an ID of the user.
func (c *cast) own(pick choice, user string) session.ID {
	each := len(c.ids) / len(c.users)
	return c.ids[slices.Index(c.users, user)*each+pick("own ID", each)]
}

// kind returns one of the kinds, mostly a session.
func (c *cast) kind(pick choice) session.Kind {
	return []session.Kind{
		session.KindSession, session.KindSession, session.KindSession, session.KindPending, session.KindPending, session.KindDevice,
	}[pick("kind", 6)]
}

// kinds returns none, one or two.
func (c *cast) kinds(pick choice) []session.Kind {
	var kinds []session.Kind
	for range pick("kinds", 3) {
		kinds = append(kinds, c.kind(pick))
	}
	return kinds
}

func (c *cast) get(pick choice) operation { return c.named("Get", c.id(pick)) }

func (c *cast) named(method string, id session.ID) operation {
	return operation{method: method, id: id, user: c.owner[id]}
}

func (c *cast) touch(pick choice) operation {
	o := c.named("Touch", c.id(pick))
	o.seen = session.Seen{Time: c.now.Add(time.Duration(pick("seen", 40)-10) * unit / 10), IP: c.ip(pick)}
	if pick.yes("drift") {
		o.seen.Drift = session.Drift{Moves: []time.Time{o.seen.Time}, Reported: []string{o.seen.IP.String()}}
		o.seen.Drift.Restricted = []binding.Reason{"", session.RestrictedIdle, binding.GeoIPCountryChanged}[pick("restricted", 3)]
		if pick.yes("device key") {
			o.seen.Drift.Key = devicekey.Key{Kind: devicekey.Page, Alg: devicekey.ES256, JWK: o.seen.IP.String()}
			o.seen.Drift.Proved = []string{o.seen.IP.String()}
		}
	}
	return o
}

// version returns one that a session may well have.
func (c *cast) version(pick choice) uint64 { return uint64(max(0, pick("version", 5)-2)) }

func (c *cast) update(pick choice) operation {
	o := c.named("Update", c.id(pick))
	o.change.Version = c.version(pick)
	if pick.yes("value") {
		o.change.Value = []byte{byte('0' + pick("digit", 10))}
	}
	name := func() []string { return []string{"terms", "enrol"}[pick("name", 2):] }
	if pick.yes("require") {
		o.change.Require = name()
	}
	if pick.yes("complete") {
		o.change.Complete = name()
	}
	return o
}

func (c *cast) end(pick choice) operation {
	o := c.named("End", c.id(pick))
	o.ending = c.ending(pick, session.CauseSignedOut)
	return o
}

func (c *cast) endUser(pick choice) operation {
	o := operation{method: "EndUser", user: c.user(pick), ending: c.ending(pick, session.CauseRevoked), kinds: c.kinds(pick)}
	if pick.yes("keep") {
		o.keep = c.id(pick)
	}
	return o
}

func (c *cast) list(pick choice) operation {
	return operation{method: "List", user: c.user(pick), kinds: c.kinds(pick)}
}

// sweep returns one that may find something: limits are from two units on.
func (c *cast) sweep(pick choice) operation {
	return operation{method: "Sweep", now: c.now.Add(time.Duration(pick("sweep", 9)) * unit)}
}

func (c *cast) ending(pick choice, cause session.Cause) session.Ending {
	ending := session.Ending{
		Cause: cause, Time: c.now, Actor: string(rune('a' + pick("actor", 26))), Client: c.ip(pick),
		Keep: c.now.Add(time.Duration(2+pick("kept", 4)) * unit),
	}
	if pick.yes("detail") {
		ending.Detail = json.RawMessage(`{"by": "an operator"}`)
	}
	return ending
}

// all looks at everything that a history can have touched.
func (c *cast) all() []operation {
	var looks []operation
	for _, id := range c.ids {
		looks = append(looks, c.named("Get", id))
	}
	for _, user := range c.users {
		looks = append(looks, operation{method: "List", user: user})
	}
	return looks
}
