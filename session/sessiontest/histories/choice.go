package histories

import (
	"encoding/json"
	"net/netip"
	"time"

	"github.com/mooring-go/mooring/session"
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

// newCast is of the users, with so many IDs each.
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

// realTime is the instant of a history: the real time, so that stores whose
// records expire by a clock of their own can pass, and a fraction that shows
// what is lost.
func realTime() time.Time { return time.Now().UTC().Truncate(time.Second).Add(123_456_789) }

func (c *cast) id(pick choice) session.ID { return c.ids[pick("ID", len(c.ids))] }

func (c *cast) user(pick choice) string { return c.users[pick("user", len(c.users))] }

func (c *cast) ip(pick choice) netip.Addr {
	return netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + pick("address", 4))})
}

// start is a sign-in. fromAny says whether it may take the place of another
// user's session.
func (c *cast) start(pick choice, fromAny func(session.ID) bool) operation {
	i := pick("ID", len(c.ids))
	id := c.ids[i]
	user := c.owner[id]
	signIn := c.now.Add(-time.Minute + time.Duration(pick("sign-in", 60))*time.Second + time.Duration(i)) // no two at once
	s := session.Session{
		ID: id, User: user, Name: "Name of " + user, Method: "password", Stage: "login", Pending: pick("pending", 4) == 3,
		Created: signIn, LastSeen: signIn, IP: c.ip(pick), UserAgent: "Mozilla/5.0", KnownDevice: pick.yes("known device"),
		Expires: c.now.Add(time.Hour + time.Duration(pick("absolute limit", 4))*30*time.Minute),
		Idle:    time.Duration(pick("idle limit", 3)) * time.Hour,
	}
	replace := session.Replace{Others: pick("others", 4) == 3, Ending: c.ending(pick, "")}
	if !s.Pending {
		replace.Max = pick("maximum", 4)
	}
	if pick("from", 3) > 0 {
		if from := c.id(pick); c.owner[from] == user || fromAny(id) {
			replace.From = from
		}
	}
	replace.FromPending = pick("from pending", 4) == 3
	return operation{method: "Start", id: id, user: user, session: s, replace: replace}
}

func (c *cast) get(pick choice) operation { return c.named("Get", c.id(pick)) }

func (c *cast) named(method string, id session.ID) operation {
	return operation{method: method, id: id, user: c.owner[id]}
}

func (c *cast) touch(pick choice) operation {
	o := c.named("Touch", c.id(pick))
	o.seen = session.Seen{Time: c.now.Add(time.Duration(pick("seen", 40)-20) * time.Minute / 2), IP: c.ip(pick)}
	if pick("drift", 3) == 2 {
		o.seen.Drift = session.Drift{Moves: []time.Time{o.seen.Time}, Reported: []string{o.seen.IP.String()}}
	}
	return o
}

func (c *cast) end(pick choice) operation {
	o := c.named("End", c.id(pick))
	o.ending = c.ending(pick, session.CauseSignedOut)
	return o
}

func (c *cast) endUser(pick choice) operation {
	o := operation{method: "EndUser", user: c.user(pick), ending: c.ending(pick, session.CauseRevoked)}
	if pick.yes("keep") {
		o.keep = c.id(pick)
	}
	return o
}

func (c *cast) list(pick choice) operation { return operation{method: "List", user: c.user(pick)} }

// sweep is one that may find something: limits are from an hour on.
func (c *cast) sweep(pick choice) operation {
	return operation{method: "Sweep", now: c.now.Add(time.Duration(pick("sweep", 7)) * 30 * time.Minute)}
}

func (c *cast) ending(pick choice, cause session.Cause) session.Ending {
	ending := session.Ending{
		Cause: cause, Time: c.now, Actor: string(rune('a' + pick("actor", 26))), Client: c.ip(pick),
		Keep: c.now.Add(time.Hour + time.Duration(pick("kept", 4))*30*time.Minute),
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
