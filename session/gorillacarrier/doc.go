// Package gorillacarrier carries a session's token in a gorilla session, for an
// application that uses github.com/gorilla/sessions already or wants its cookie
// to hold more than the token.
//
//	store := sessions.NewCookieStore(hashKey, blockKey)
//	carrier := gorillacarrier.New(store, gorillacarrier.Options{Name: "app"})
//
// Any [sessions.Store] will do: gorilla's own and those of others. The token is
// one value of the gorilla session; all other values are the application's, and
// stay when a visitor signs in. When a user is signed out, or another one signs
// in, the gorilla session is emptied and deleted. At every sign-in a store on
// the server gets a new gorilla session ID, so that a cookie planted beforehand
// signs nobody in. What a request brought and could not be read, or brought
// more than once, is not carried over.
//
// # The cookie
//
// Path, Domain and Partitioned are those of the store's options. HttpOnly,
// Secure and SameSite=Lax are imposed, because gorilla's defaults lack them
// ([Options] can change the last two). This concerns the one gorilla session
// that holds the token, and no other of the store.
//
// # Saving the gorilla session yourself
//
// Carrier and application share the request's gorilla session. A handler
// behind the guard that saves it keeps the token, its remaining lifetime and
// the cookie's flags, or, after a sign-out, saves a session without a token.
// The limits of this:
//
//   - Where no guard has run, the store's own options count: set Secure and
//     HttpOnly there as well, and MaxAge to no more than a token lives.
//   - A token that ends with the browser: gorilla's stores on the server take
//     MaxAge 0 for "delete", so a handler's Save lets the browser keep the cookie
//     for [Options].BrowserSession. The session's limits on the server hold
//     nevertheless. A [sessions.CookieStore] has no such trouble.
//   - Two requests of one browser at the same time overwrite each other's
//     values, as ever with gorilla sessions.
//
// # What the store knows
//
// A store on the server, such as [sessions.FilesystemStore], holds the token
// among its values: its directory or database is as sensitive as the tokens
// themselves, unlike Mooring's own stores, which hold nothing that signs
// anybody in. A FilesystemStore also never deletes what is left behind.
//
// A store that fails is an error and never an anonymous visitor. Told apart are
// the errors of gorilla's codecs, a missing file and [database/sql.ErrNoRows], which all
// mean that there is no such session. A store with another error for that
// should be wrapped, so that it returns none.
//
// # What stays compatible
//
// The key and the form of the token among the gorilla session's values are read by
// later releases, so that an update signs nobody out. A host reads neither.
package gorillacarrier
