// Webapp is a web application with users and passwords that signs them in with
// Mooring: a sign-in page, the prompt to stay signed in, a page that says where
// a user is signed in and ends what they do not know, and a live list of what
// happened. Run it from the root of the repository:
//
//	go run ./examples/webapp
//
// It prints its address and the accounts to sign in with. Without -asn and
// -city it knows the places of a small made-up world, and lets whoever uses it
// pretend to be in any of them: see demo.go, which a real application leaves
// out.
//
// Sessions are kept in a SQLite file of the user's own, so that a restart signs
// nobody out; with -store memory nothing is written. Several processes can share
// a store, on one machine the file too: start it twice, and end on one what was
// signed in on the other. With servers:
//
//	go run ./examples/webapp -store postgres -dsn 'postgres://app:password@db.internal/app'
//	go run ./examples/webapp -store mysql -dsn 'app:password@tcp(db.internal:3306)/app'
//	go run ./examples/webapp -store redis -dsn 'redis://:password@redis.internal:6379/0'
//
// What is in which file:
//
//	main.go      puts the parts together and runs the server
//	settings.go  flags
//	store.go     where sessions are kept
//	sqlite.go    the file that is the default
//	dsn.go       mistakes in -dsn
//	locator.go   what is known of addresses
//	accounts.go  who may sign in, and their passwords
//	signin.go    signing in, the prompt, signing out
//	sessions.go  where the user is signed in, and ending it
//	events.go    the live list of events
//	pages.go     templates, static files and headers
//	words.go     devices, places and reasons in words
//	demo.go      demo only: accounts, data, and pretending to be elsewhere
//
// What a real application adds: a limit on the attempts to sign in, per account
// and per address, in front of POST /login; its own accounts; and TLS. The list of
// events is of what happened in this process, or was delivered to it; a real
// application has its sink write to where all of them read.
package main
