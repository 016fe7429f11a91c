package site

import (
	"net/http"
	"net/netip"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/loginstage"
)

// Demo only. A real application has none of this: its accounts are in a
// database, and no client ever says where it comes from.

// demoAccount is an account whose password everybody may read.
type demoAccount struct {
	account
	password string
}

var demoAccounts = []demoAccount{
	{account{ID: "ada", Name: "Ada Lovelace"}, "correct horse battery"},
	{account{ID: "grace", Name: "Grace Hopper"}, "staple the moth here"},
	{account{ID: "alan", Name: "Alan Turing", Inactive: true}, "universal machine"},
}

// demoPlace is somewhere to pretend to be. The places and their networks are
// made up, and the addresses are those reserved for documentation.
type demoPlace struct {
	Address netip.Addr
	Name    string
}

var demoPlaces = []demoPlace{
	{bindingtest.Berlin, "Berlin"},
	{bindingtest.BerlinNeighbour, "Berlin, next door"},
	{bindingtest.BerlinMobile, "Berlin, other network"},
	{bindingtest.Munich, "Munich, same network"},
	{bindingtest.Hamburg, "Hamburg, other network"},
	{bindingtest.Paris, "Paris"},
	{bindingtest.NewYork, "New York"},
	{bindingtest.NetworkOnly, "Place unknown"},
	{bindingtest.Unlocated, "Nothing known"},
}

// demo lets a visitor pretend to come from another address. It is the
// application's clientip.Resolver in demo mode.
type demo struct {
	cookie   http.Cookie
	anywhere bool // any address will do, for real databases
}

func newDemo(s settings) *demo {
	cookie := http.Cookie{Name: "__Host-demo_address", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if s.insecureHTTP {
		cookie.Name, cookie.Secure = "demo_address", false
	}
	return &demo{cookie: cookie, anywhere: s.realData()}
}

// ClientIP returns the address that the visitor pretends to come from: Berlin, if
// they have said nothing.
func (d *demo) ClientIP(r *http.Request) (netip.Addr, error) {
	if cookie, err := r.Cookie(d.cookie.Name); err == nil {
		if address, err := netip.ParseAddr(cookie.Value); err == nil {
			return binding.Normalize(address), nil
		}
	}
	return bindingtest.Berlin, nil
}

// pretend changes where the visitor pretends to be.
func (d *demo) pretend(w http.ResponseWriter, r *http.Request) {
	address, err := netip.ParseAddr(r.PostFormValue("address"))
	if err != nil {
		http.Error(w, "That is not an IP address.", http.StatusUnprocessableEntity)
		return
	}
	cookie := d.cookie
	cookie.Value = binding.Normalize(address).String()
	http.SetCookie(w, &cookie)
	http.Redirect(w, r, loginstage.Next(r), http.StatusSeeOther)
}

// demoForm is what layout.html shows in demo mode.
type demoForm struct {
	Address  netip.Addr // where the visitor pretends to be
	Places   []demoPlace
	Anywhere bool
	Next     string // the page to come back to
}

func (d *demo) form(r *http.Request) *demoForm {
	address, _ := d.ClientIP(r)
	f := &demoForm{Address: address, Places: demoPlaces, Anywhere: d.anywhere, Next: "/"}
	if r.URL.Path == "/login" {
		f.Next = "/login"
	}
	return f
}
