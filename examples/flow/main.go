package main

import (
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
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on http://%s/flow, ada's password is %q", *addr, "correct horse battery")
	server := &http.Server{
		Addr: *addr, Handler: newAPI(userLogin),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}
