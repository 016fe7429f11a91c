package main

import (
	"crypto/rand"
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
)

func main() {
	addr := flag.String("addr", "localhost:8082", "address to listen on")
	flag.Parse()
	userLogin, err := loginstage.New(loginstage.Config{
		SessionDuration:    duration.MustParse("hours=12"),
		StaySignedInOffset: duration.MustParse("weeks=2"),
		LoginURL:           "/flow",
		RequiredURL:        enrolPath,
	})
	if err != nil {
		log.Fatal(err)
	}
	key := make([]byte, 32) // processes that serve the same clients share one
	_, _ = rand.Read(key)   // it never fails
	flows, err := newFlows(key)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on http://%s/flow", *addr)
	log.Printf("ada's and alan's password is %q", "correct horse battery")
	log.Printf("grace's is %q, and the secret of her one-time passwords GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "staple the moth here")
	server := &http.Server{
		Addr: *addr, Handler: newAPI(userLogin, demoAccounts(), flows),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
