package main

import (
	"crypto/rand"
	"flag"
	"log"
	"net/http"
	"time"

	"github.com/gorilla/sessions"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session/gorillacarrier"
)

func main() {
	addr := flag.String("addr", "localhost:8081", "address to listen on")
	old := flag.Bool("before", false, "run the shop as it was")
	flag.Parse()

	handler, err := newShop(*old)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on http://%s, ada's password is %q", *addr, "correct horse battery")
	server := &http.Server{
		Addr: *addr, Handler: http.NewCrossOriginProtection().Handler(handler),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}

// newShop wires the shop up.
func newShop(old bool) (http.Handler, error) {
	hashKey, blockKey := make([]byte, 64), make([]byte, 32)
	rand.Read(hashKey) // a real shop keeps its keys
	rand.Read(blockKey)
	store := sessions.NewCookieStore(hashKey, blockKey)
	store.Options.Secure, store.Options.HttpOnly, store.Options.SameSite = true, true, http.SameSiteLaxMode
	if old {
		return before(store), nil
	}
	login, err := loginstage.New(loginstage.Config{
		SessionDuration: duration.MustParse("hours=12"),
		GeoIPBinding:    binding.GeoIPCountry,
		Locator:         bindingtest.Places(), // a real shop uses maxmind.Open
		Carrier:         gorillacarrier.New(store, gorillacarrier.Options{Name: "shop"}),
	})
	if err != nil {
		return nil, err
	}
	return after(store, login), nil
}
