// Package session keeps the server-side record of who is signed in, and the
// secret that stands for it in a browser: an opaque session token.
//
// A [Session] is known to its client by a [Token], 256 random bits that travel in
// a [Carrier] (by default a [Cookie]), and to everybody else by an [ID], the
// token's SHA-256, which is safe to store, log, list and put into a URL. A [Store]
// holds the sessions; its contract is that a session once ended never lives again.
//
// # Manager
//
// [Manager] joins the two. It issues tokens, and a new one for each sign-in, so
// that session fixation gains nothing; it finds the session of a token, holds it to
// its absolute and idle limits, revokes, and writes no more often than it must.
// [Manager.Issue], [Manager.Authenticate] and [Manager.EndUser] know nothing of
// HTTP, and serve gRPC, WebSockets and bearer tokens too; [Manager.Start] and
// [Manager.Load] are the same for a request.
//
// Limits are held by the store's clock, where it has one ([Clock]), so that the
// processes of a host agree on them.
//
// # Kinds
//
// A record is of a [Kind]: a session, a pending session, or a remembered device. A
// token of one kind is worth nothing where another is wanted.
//
// # Carriers
//
// Browsers have the token in a [Cookie]; package session/gorillacarrier puts it into a
// gorilla session. Clients of an API send it in the header Authorization ([Bearer], RFC
// 6750). [CookieOrBearer] serves both and gives no browser a token that its scripts can
// read.
//
// # Device keys
//
// A session can be bound to one device key, in its [Drift]: a public key whose private
// half cannot leave the client. Package session/devicekey verifies proofs of it.
//
// # Endings
//
// Why, when and by whom a session was ended is kept for a while ([Ending]), and in a
// store that is a [Journal], a transactional outbox, until it was delivered.
//
// # What stays compatible
//
// Records ([EncodeRecord]) keep the form of their fields: a process of one release
// reads, revokes and lists what the next one writes, takes what it does not know for
// the strictest there is, and writes it back unchanged. [Store], [Journal] and
// [Carrier] may be implemented elsewhere, and get a new method only with a new major
// version; what is optional comes as an interface of its own, such as [Clock], which
// [StoreAs] finds behind wrappers. Package session/sessiontest checks
// implementations.
//
// Package loginstage builds the user login stage on this one, with bindings, events
// and the prompt to stay signed in (remember me). An application that needs none of
// those can use a Manager on its own.
package session
