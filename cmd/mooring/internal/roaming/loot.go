package roaming

import "time"

// Loot is what a thief has of a session.
type Loot struct {
	Name   string
	Habits string // in words, with the parameters

	// proves says in which kinds of browsers the thief can use the key.
	proves [browserKinds]bool

	// The thief's first use comes so long after the cookies were last sent.
	earliest, latest time.Duration
}

// The loot, by its index in [Loots]. Up to cookieKinds it is the cookies alone.
const (
	fromLog = iota
	fromHAR
	fromInterceptor
	cookieKinds
)

// The rest of the loot.
const (
	profile = cookieKinds + iota
	malware
	lootKinds
)

// Loots returns what thieves have. The cookies alone are all that a request carries: the
// session's and, where there is one, the bound cookie.
func Loots() []Loot {
	return []Loot{
		{"log", "the cookies, read in a log, a backup or a crash report, one hour to two days later", [browserKinds]bool{}, time.Hour, 48 * time.Hour},
		{"HAR file", "the cookies, out of a recording that was sent to a help desk, 5 to 60 minutes later; at Okta in October 2023 it was within 30 (BeyondTrust)", [browserKinds]bool{}, 5 * time.Minute, time.Hour},
		{"interceptor", "the cookies, as they pass a proxy that opens TLS or a hostile extension, once, within two minutes", [browserKinds]bool{}, 0, 2 * time.Minute},
		{"profile", "a copy of the browser's profile, taken by malware that is gone: the cookies, and the key where it is in the browser's own storage; one hour to two days later", [browserKinds]bool{pageKey: true}, time.Hour, 48 * time.Hour},
		{"malware", "the device itself: the browser proves the key whenever the thief wants it to", [browserKinds]bool{hardwareKey: true, pageKey: true}, 0, 2 * time.Minute},
	}
}

// passHolds reports whether the bound cookie that the thief has still holds at the
// first use. It was drawn where in its life the cookie was when it was sent.
func (l Loot) passHolds(provedEvery time.Duration, d dice) bool {
	left := time.Duration(d.Float64() * float64(provedEvery))
	return l.earliest+time.Duration(d.Float64()*float64(l.latest-l.earliest)) < left
}
