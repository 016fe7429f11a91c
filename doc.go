// Package mooring is the front door of Mooring, the user login stage for Go web
// applications. It holds this documentation and no code; start with
// [github.com/mooring-go/mooring/loginstage].
//
// You check the password. Mooring creates, limits, binds and revokes the session:
//
//   - A sign-in issues a new token, and the token before it is dead (session fixation).
//   - Absolute and idle limits hold on the server, whatever the cookie says.
//   - A session can be bound to the network and the country of its sign-in. Where a
//     binding is broken, the session ends or is restricted, and the event says which
//     fact changed, from what to what (session hijacking).
//   - It can be bound to a key that cannot leave the device, which the device proves
//     where the binding is broken (proof of possession, DBSC, DPoP).
//   - Sessions are listed and revoked, one by one or all of a user's. A session that
//     ended never lives again, whatever request was in flight.
//   - Every sign-in, sign-out, denial and ending is an event, delivered at once or from
//     the store's journal (transactional outbox).
//
// It is the last step of a sign-in. It does not check passwords, serve OAuth or keep
// accounts: the host has those, or another library does.
//
// # Using it
//
//	login, err := loginstage.New(loginstage.Config{LoginURL: "/login"})
//
//	challenge, err := login.Begin(w, r, loginstage.User{ID: "ada"}) // after the password check
//	err = login.Finish(w, r, loginstage.Answer{StaySignedIn: true}) // on the prompt's POST
//	err = login.Logout(w, r)                                        // on the sign-out button's POST
//
//	handler := login.Guard(mux)                 // around the application
//	mux.Handle("/account", login.Require(page)) // around what needs a user
//	s, ok := loginstage.Current(r.Context())    // in a handler
//
// The package example is a whole application of this kind.
//
// # Packages
//
// Imports go one way, from the end of this list to its beginning. The package at the
// start of each item imports the standard library and those before it only:
//
//   - [github.com/mooring-go/mooring/duration]: durations as operators write them,
//     hours=12.
//   - [github.com/mooring-go/mooring/binding]: whether a session may be used from
//     another address, and why not. Package binding/maxmind reads GeoLite2 and GeoIP2
//     files; binding/clientip finds the client's address behind proxies.
//   - [github.com/mooring-go/mooring/session]: sessions, tokens, and the contracts of
//     stores and carriers. Packages session/memstore, session/sqlstore, session/redisstore
//     and session/rueidisstore are stores; session/gorillacarrier keeps the token in a
//     gorilla session; session/devicekey verifies proofs of device keys;
//     session/sessiontest checks a store or carrier of your own.
//   - [github.com/mooring-go/mooring/loginstage]: the stage: sign-in, session
//     middleware, revocation, events. Package loginstage/sink has sinks for events;
//     loginstage/loginstagetest is a browser that moves, for your tests. Modules
//     loginstage/ginlogin, echo4login, echo5login, fiberlogin, grpclogin and connectlogin
//     are the middleware of frameworks, and loginstage/useragent names devices.
//
// # What stays compatible
//
// The project follows Semantic Versioning. Below v1, a release that breaks a host
// raises the second number, and the changelog says how to go on. Besides names in Go,
// this is promised, and each package says more of its own:
//
//   - Records in stores. Processes of one release and the next work on one store at the
//     same time: each reads, revokes and lists what the other wrote. See
//     [github.com/mooring-go/mooring/session].
//   - Events. Fields are added and never renamed; [loginstage.EventVersion] is raised
//     where a receiver has to change. See [github.com/mooring-go/mooring/loginstage].
//   - Names in text: settings, reasons, actions, causes and levels are read by later
//     releases.
//   - Interfaces that a host implements, such as [session.Store] and [binding.Locator],
//     get no new methods without a new major version; below v1, without a line in the
//     changelog. What an implementation may offer beyond them is an interface of its own.
//
// [loginstage.EventVersion]: https://pkg.go.dev/github.com/mooring-go/mooring/loginstage#EventVersion
// [session.Store]: https://pkg.go.dev/github.com/mooring-go/mooring/session#Store
// [binding.Locator]: https://pkg.go.dev/github.com/mooring-go/mooring/binding#Locator
package mooring
