// Flow is a small sign-in API without pages: a flow of stages, each of which
// asks something and is answered, in JSON. The last one is Mooring's. Run it from
// the root of the repository:
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
// Errors are problems (RFC 9457). An answer that is wrong is 422, with what was
// asked as "asked".
//
// A real API limits the attempts per account and per address in front of this.
package main
