package main

import (
	"crypto/rand"
	"crypto/subtle"
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/mooring-go/mooring/loginstage"
)

func main() {
	addr := flag.String("addr", "localhost:8084", "address to listen on")
	flag.Parse()
	login, err := loginstage.New(loginstage.Config{LoginURL: "/login", StepUpURL: "/login"})
	if err != nil {
		log.Fatal(err)
	}
	secret := rand.Text()
	log.Printf("listening on http://%s, ada's password is %q", *addr, secret)
	server := &http.Server{
		Addr: *addr, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		Handler: http.NewCrossOriginProtection().Handler(newApp(login, func(user, password string) bool {
			return user == "ada" && subtle.ConstantTimeCompare([]byte(password), []byte(secret)) == 1
		})),
	}
	log.Fatal(server.ListenAndServe())
}
