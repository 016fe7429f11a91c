// Flow is a small sign-in API without pages: a flow of stages. A stage
// may ask something, and takes the answer, in JSON. Each is a [loginstage.Stage]: four are
// the application's, and the last one is Mooring's. Run it from the root of the
// repository:
//
//	go run ./examples/flow
//
// A client gets what is asked from /flow, posts the answer there, and gets what
// is asked next, until the component is "done":
//
//	GET  /flow                                       {"component":"identification"}
//	POST /flow {"user":"ada"}                        {"component":"password","user":"ada"}
//	POST /flow {"password":"correct horse battery"}  {"component":"stay_signed_in",…}
//	POST /flow {"stay_signed_in":true}               {"component":"done"}
//	GET  /me                                         {"user":"ada",…}
//
// grace is asked for a one-time password (RFC 6238) after her password, and to accept
// the terms of use:
//
//	POST /flow {"code":"287082"}                     {"component":"terms_of_use",…}
//	POST /flow {"accept":"2026-11"}                  {"component":"stay_signed_in",…}
//
// alan has to have a second factor, and has none yet: the session is restricted until
// the first code of one has come back (a required action), and the page that was wanted
// is kept:
//
//	GET  /flow?next=/payouts                         …
//	POST /flow {"stay_signed_in":true}               {"component":"done","required":["enrol-mfa"],"next":"/enrol?next=%2Fpayouts"}
//	GET  /me                                         403, with "required"
//	GET  /enrol?next=%2Fpayouts                      {"component":"enrol-mfa","secret":"…","uri":"otpauth://…"}
//	POST /enrol?next=%2Fpayouts {"code":"…"}         {"component":"done","next":"/payouts"}
//	GET  /payouts                                    for sessions with two factors alone
//
// Errors are problems (RFC 9457). An answer that is wrong is 422, with what was
// asked as "asked".
//
// What is in which file:
//
//	api.go             leads a client through the stages
//	flows.go           how far a client has come, sealed in a cookie
//	identification.go  stages: who the user is,
//	password.go        the password,
//	totp.go            a one-time password, the second factor,
//	terms.go           the terms of use
//	enrol.go           a required action: enrolling a second factor
//	accounts.go        who may sign in
//
// The server keeps nothing of clients that have not proved who they are, so that no
// number of them keeps others from signing in. A real API limits the attempts per
// account and per address in front of this, and keeps its accounts in a database.
package main
