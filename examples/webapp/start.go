// Webapp is a web application with users and passwords that signs them in with
// Mooring: a sign-in page, the prompt to stay signed in, pages that say where
// a user is signed in and which devices are remembered, and end what they do not know,
// several accounts in one browser, a change of the password, and a live list of what
// happened. A page asks before its session ends for want of use. Run it from the root of
// the repository:
//
//	go run ./examples/webapp
//
// It prints its address, the accounts to sign in with, and the mails that a real
// application sends: of a sign-in on a new device, with a link that says "this was not
// me". Without -asn and
// -city it knows the places of a small made-up world, and lets visitors pretend
// to be in any of them: see demo.go, which a real application leaves out. Both the
// accounts and the pretending are for this machine alone, unless -demo-accounts and
// -demo ask for them where others can reach -addr.
//
// With -tls it serves HTTPS by a certificate that it makes, and binds each session to a
// key of the browser: the browser's own where it has device-bound sessions, and else
// one of a script. The binding is then asked for by a proof, which the user does not
// notice. In demo mode one can be the thief of one's own cookies.
//
// Every setting of the stage can be set in the environment too, -session-duration by
// WEBAPP_SESSION_DURATION, and in a file of YAML that WEBAPP_SETTINGS names. A flag counts
// for more than the environment, and that for more than the file. All mistakes are told at
// once.
//
// Sessions are kept in memory, so that a restart signs everybody out. The program
// [github.com/mooring-go/mooring/examples/webapp/databases] is the same with the
// stores that outlive it. It is a program of its own because their drivers take
// twice as long to compile as all the rest.
//
// The application is package site; package storage, beside it, opens the store.
//
// What a real application adds: a limit on the attempts to sign in, per account
// and per address, in front of POST /login; its own accounts; and TLS by a certificate
// that browsers trust. The list of events is of what happened in this process, or was
// delivered to it; a real application has its sink write to where all of them read.
package main

import (
	"context"
	"fmt"

	"github.com/mooring-go/mooring/examples/webapp/internal/site"
	"github.com/mooring-go/mooring/examples/webapp/internal/storage"
)

func main() {
	site.Main(storage.Memory, elsewhere("sqlite"), elsewhere("postgres"), elsewhere("mysql"), elsewhere("redis"))
}

// elsewhere returns a kind of store that opens with an error, which says what to run.
func elsewhere(name string) storage.Kind {
	return storage.Kind{Name: name, Open: func(context.Context, storage.Settings) (storage.Storage, error) {
		return storage.Storage{}, fmt.Errorf("this program has no driver for it: go run ./examples/webapp/databases -store %s", name)
	}}
}
