// Package roaming is a model of honest users who move about and of thieves who use
// what they have stolen from elsewhere. It gives any policy two figures: how many
// honest sessions it ends, and how many stolen sessions it stops.
//
// Its parameters are assumptions, stated beside each [Persona] and [Thief], and
// not measurements; what they are good for is to compare policies with each other.
// Replay your own logs to learn what a policy would do to your users.
//
// A session lasts a week and is used eight times a day, from 7 to 21 o'clock. What
// a policy ends is signed in to again, and what it restricts is confirmed, where
// the session was used from. Each session is stolen once, at a time drawn evenly,
// by each kind of thief. A stolen session is stopped if the thief's first use ends
// it or restricts it. The thief knows nothing of the policy.
//
// A session has a device key or not, as a [Setting] says. One that has proves it where
// the policy asks, each move once, and with each use where there is a bound cookie, and
// its user notices nothing, unless the key is lost: then the user signs in again. A
// thief has one [Loot] of several: the cookies alone, a copy of the browser's profile,
// or the device itself. One who cannot use the key and is asked for it is stopped; one
// who can is not. A proof that the user gave is remembered, and serves a thief in the
// same network too.
//
// The shares of the [Browsers] are of today, with their sources.
//
// Everything is drawn from a seed, so that the same seed gives the same figures.
package roaming
