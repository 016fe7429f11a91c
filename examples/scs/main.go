package main

import (
	"crypto/rand"
	"crypto/subtle"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/loginstage"
)

func main() {
	addr := flag.String("addr", "localhost:8085", "address to listen on")
	old := flag.Bool("before", false, "run the shop as it was")
	flag.Parse()

	secret := rand.Text()
	proved := func(r *http.Request) (user string, ok bool) {
		user = r.PostFormValue("user")
		known := user == "ada" || user == "grace"
		return user, subtle.ConstantTimeCompare([]byte(r.PostFormValue("password")), []byte(secret)) == 1 && known
	}
	handler, err := newShop(*old, proved)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on http://%s, the password of ada and of grace is %q", *addr, secret)
	server := &http.Server{
		Addr: *addr, Handler: http.NewCrossOriginProtection().Handler(handler),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}

// newShop wires the shop up.
func newShop(old bool, proved func(*http.Request) (user string, ok bool)) (http.Handler, error) {
	data := newData()
	if old {
		return before(data, addToBasket(data), proved), nil
	}
	login, err := loginstage.New(loginstage.Config{SessionDuration: duration.MustParse("hours=12")})
	if err != nil {
		return nil, err
	}
	return after(data, login, addToBasket(data), proved), nil
}

// newData returns where the shop keeps its data: in memory here, and in a store of scs in
// a real shop. Its cookie has a name of its own, and is as safe as Mooring's.
func newData() *scs.SessionManager {
	data := scs.New()
	data.Cookie.Name, data.Cookie.Secure = "__Host-shop", true
	return data
}

// addToBasket counts what is in the basket, signed in or not.
func addToBasket(data *scs.SessionManager) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n := data.GetInt(r.Context(), "basket") + 1
		data.Put(r.Context(), "basket", n)
		fmt.Fprintf(w, "In the basket: %d\n", n)
	}
}
