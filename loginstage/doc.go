// Package loginstage is the user login stage: the last step of an authentication
// flow. The host proves who a user is; the stage attaches the user to a session,
// decides how long that lives, binds it to the network and the place of the sign-in,
// ends it when the binding is broken, and tells the rest of the system why.
//
// [New] makes a [UserLogin] from a [Config], whose zero value is the safe default. It
// reports every mistake at once.
//
// # Signing in
//
// [UserLogin.Begin] takes the pending user, whom the host has just proved. It signs the
// user in and returns nil, or it returns a [Challenge]: the prompt to stay signed in
// (remember me). [UserLogin.Finish] takes the [Answer], once. Every sign-in issues a new
// token, and the token before it is dead (session fixation). [UserLogin.Logout] ends
// the session.
//
// A [Stage] is any step of a flow. A host writes others, such as a one-time password, and
// runs them before this one.
//
// # What was proved
//
// A session knows when its user last proved who they are, how and how well
// ([User.AuthTime], AMR, ACR), who acts as the user if another does ([User.Actor]), and a
// small value of the host's ([session.ValueOf], [UserLogin.SetValue]).
// [UserLogin.Reauthenticate] has it go on with a new token, new limits and what was
// proved now (step-up); [UserLogin.RequireFresh] and [UserLogin.RequireACR] demand that.
// [User.Required] restricts a session until [UserLogin.Complete]. With [Config.IdleResume]
// a session that was idle for too long is restricted until [UserLogin.Resume].
//
// [Config.Account] ends the sessions of disabled accounts, and
// [UserLogin.CredentialsChanged] those that a changed password ends.
// [UserLogin.AddAccount] and [UserLogin.SwitchAccount] are for several accounts in one
// browser.
//
// # Guarding
//
// [UserLogin.Guard] and [UserLogin.Require] are the session middleware: they wrap an
// [net/http.Handler], and handlers behind them call [Current]. [UserLogin.Check] does the
// same without wrapping. All of them hold a request to the same checks in one order. What they
// deny, [Config.Deny] can answer; by default a browser is redirected, and anything else
// gets a 401 with a [Problem].
//
// A store or locator that fails, or a client whose address is not known, is a 503: never
// an anonymous request, and never a sign-out.
//
// # Bindings
//
// A session is bound as [Config.Preset], or NetworkBinding and GeoIPBinding, say at the
// sign-in. Where the binding is broken (session hijacking), [Config.Actions] says what is
// done: the session ends; or it is restricted (step-up required) and admitted only behind
// [UserLogin.AllowRestricted] until [UserLogin.Confirm] lifts that (re-authentication);
// or the device has to prove a key that cannot leave it (proof of possession), which
// [Config.DeviceKey] offers and [UserLogin.DeviceKeys] serves; or a [Sink] is told and the
// session goes on.
//
// # Device keys
//
// Network and place cannot tell the user from a thief beside them. A private key that
// cannot leave the device can (proof of possession): [Config.DeviceKey] offers each
// sign-in to register one. The browser's own key is taken where it has one (Device Bound
// Session Credentials), a WebCrypto key of the stage's script otherwise, and DPoP (RFC
// 9449) for clients of an API. The host mounts [UserLogin.DeviceKeys].
//
// A session with a key proves it where the binding says [binding.Prove], and every
// [Config.ProveEvery]. The browser does so by itself and the user notices nothing. A thief
// who has the cookies alone gets nothing from elsewhere, and for at most ProveEvery from
// the same network; what a thief tries ends nothing and is told ([ActionUnproved]). A
// thief who has the key too, in a copied profile or as malware on the device, gets what
// the user gets.
//
// # Revoking
//
// [UserLogin.Sessions] lists a user's sessions. [UserLogin.Revoke], [UserLogin.RevokeOthers]
// and [UserLogin.RevokeUser] end them: once such a call has returned, no request is admitted
// in them. [UserLogin.LastEnding] tells a user why they were signed out. [Config.DeviceName]
// names devices for such lists, "Firefox on Linux", and [UserLogin.Devices] lists those
// that are remembered.
//
// The stage ends sessions, nothing else: tokens that were issued on the strength of one,
// such as OAuth refresh tokens, live on until their issuer revokes them.
//
// # Events
//
// Every sign-in, ending and denial is an [Event] (audit event) for the Sink in
// [Config.Events]. By default an event is told at once, and a crash can lose it. With
// [Config.DurableEvents] the store writes each ending into its journal in the same step
// (transactional outbox), and [UserLogin.Deliver] tells it at least once.
//
// # What stays open
//
// A stream or a WebSocket outlives the request that opened it. [UserLogin.Live] returns a
// context that ends when the session does, in whichever process it is ended, while
// [UserLogin.Watch] runs.
//
// # Settings
//
// The operator's part of a Config are its [Settings]. Package loginstage/settings reads them
// from JSON, the environment and, with loginstage/settingsyaml, YAML. [UserLogin.Apply]
// changes them while the stage runs: each request is handled by one set of them from its
// guard to its end, sessions that exist keep what they were made with, and an event tells
// who changed what ([ActionSettings]).
//
// # What the host runs
//
// The package has goroutines of its own only while there are events to give, while
// Account is asked and in Run, and timers while a client has a few seconds to prove its
// key.
// A host runs [UserLogin.Run] once in each process, and waits for it before it exits. Run
// deletes expired sessions ([UserLogin.Sweep]), delivers endings with DurableEvents
// ([UserLogin.Deliver]), watches the locator's data, and in the end waits for the sink
// ([UserLogin.Flush]). Limits hold without it.
//
// # What stays compatible
//
// Events: keys keep their names and meaning, and [EventVersion] is raised where a receiver
// has to change. New keys, actions and causes may come with any release, so a receiver
// passes over what it does not know. An event's ID is the same in every release.
//
// Settings: keys and their texts are read by later releases, and the zero value of a new
// setting is what happened before. Sessions that exist keep the binding that they were made
// with. [Sink] has one method, and [Stage] two; they get no others.
package loginstage
