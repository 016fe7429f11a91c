// Package session keeps the server-side record of who is signed in, and the
// secret that stands for it in a browser.
//
// A [Session] is known to its browser by a [Token], 256 random bits that
// travel in a [Carrier] (by default a [Cookie]), and to everybody else by an
// [ID], the token's SHA-256, that is safe to store, log, list and put into a
// URL. A [Store] holds the sessions; its contract is that a session once ended
// never lives again. [Manager] joins the two: it issues and rotates tokens,
// holds sessions to their limits and writes no more often than it must.
//
// Package loginstage builds the user login stage on it, with bindings, events
// and the stay-signed-in prompt. An application that needs none of those can
// use a Manager on its own.
package session
