// Package loginstage is the user login stage of an authentication flow: it
// attaches a user who has just proved who they are to a session, decides how
// long that lives, binds it to the network and the place it was made from, ends
// it when it is used from elsewhere, and tells the rest of the system why.
//
// [New] makes the stage from a [Config]. [UserLogin.Begin] signs a user in, or
// asks whether they want to stay signed in, which [UserLogin.Finish] answers.
// [UserLogin.Guard] and [UserLogin.Require] are the session middleware: they wrap
// an [net/http.Handler], and handlers behind them call [Current]. [UserLogin.Check]
// does the same without wrapping, and [Config.Deny] answers what is denied. What
// happens is told to a [Sink] as an
// [Event].
//
// The stage ends sessions, nothing else: tokens that were issued on the strength
// of one, such as OAuth refresh tokens, live on until their issuer revokes them.
package loginstage
