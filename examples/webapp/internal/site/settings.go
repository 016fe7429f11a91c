package site

import (
	"flag"
	"fmt"
	"io"
	"net"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/examples/webapp/internal/storage"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
)

const defaultAddr = "localhost:8080"

// settings is what the flags say.
type settings struct {
	addr      string // empty: defaultAddr, or any port where that is taken
	asn, city string // database files
	demo      bool

	store   string // the name of its kind
	storage storage.Settings

	insecureHTTP bool

	login loginstage.Config // the settings of the stage; nothing is wired in yet
}

// realData reports whether database files were named.
func (s settings) realData() bool { return s.asn != "" || s.city != "" }

// parseSettings reads the flags. Every setting of the stage reads itself from
// text, so flag.TextVar is all it takes; JSON, YAML and the environment work
// the same way.
func parseSettings(kinds []storage.Kind, args []string, out io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("webapp", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&s.addr, "addr", "", "address to listen on (default "+defaultAddr+", or a free port)")
	flags.StringVar(&s.asn, "asn", "", "GeoLite2-ASN or GeoIP2-ISP database `file`")
	flags.StringVar(&s.city, "city", "", "GeoLite2-City or GeoIP2-City database `file`")
	flags.StringVar(&s.store, "store", kinds[0].Name, "where sessions are kept: "+storage.Names(kinds))
	flags.StringVar(&s.storage.DSN, "dsn", "",
		"the `place` of the store: a file for sqlite, a data source name or URL for the others\n"+
			"(default a file of the user's own, or a server on this machine)")
	flags.StringVar(&s.storage.Table, "table", "webapp_session", "`name` of the table of sessions; for redis, what keys begin with")
	flags.BoolVar(&s.demo, "demo", true, "demo only: let visitors pretend to be elsewhere; with -asn or -city only if asked for")
	flags.BoolVar(&s.insecureHTTP, "insecure-http", false,
		"send cookies without TLS, for a browser that takes no Secure cookie from localhost (Safari)")

	login := &s.login
	flags.TextVar(&login.SessionDuration, "session-duration", duration.MustParse("hours=12"),
		"how long a session lives; seconds=0: until the browser closes")
	flags.TextVar(&login.StaySignedInOffset, "stay-signed-in-offset", duration.MustParse("weeks=2"),
		"how much longer for those who choose to stay signed in; seconds=0: nobody is asked")
	flags.TextVar(&login.RememberDevice, "remember-device", duration.MustParse("weeks=4"),
		"how long a device is known after a sign-in; seconds=0: not at all")
	flags.TextVar(&login.NetworkBinding, "network-binding", binding.NetworkASN,
		"no_binding, bind_asn, bind_asn_network or bind_asn_network_ip")
	flags.TextVar(&login.GeoIPBinding, "geoip-binding", binding.GeoIPCountry,
		"no_binding, bind_continent, bind_continent_country or bind_continent_country_city")
	flags.BoolVar(&login.TerminateOtherSessions, "terminate-other-sessions", false,
		"end a user's other sessions with each sign-in")

	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	asked := false
	flags.Visit(func(f *flag.Flag) { asked = asked || f.Name == "demo" })
	if s.realData() && !asked {
		s.demo = false
	}
	login.Carrier = session.Cookie{InsecureHTTP: s.insecureHTTP}
	return s, nil
}

// announce says where the application and its sessions are, and how to sign in.
func announce(out io.Writer, s settings, addr net.Addr, place string) {
	host := "localhost"
	port := addr.(*net.TCPAddr).Port
	fmt.Fprintf(out, "Listening on http://%s:%d/\n", host, port)
	fmt.Fprintf(out, "Sessions are kept %s\n\n", place)
	fmt.Fprintln(out, "Accounts of this example:")
	for _, account := range demoAccounts {
		note := ""
		if account.Inactive {
			note = "  (inactive: may not sign in)"
		}
		fmt.Fprintf(out, "  %-6s %s%s\n", account.ID, account.password, note)
	}
	if s.demo {
		fmt.Fprintln(out, "\nDemo mode: visitors choose the place they come from.")
	}
	fmt.Fprintln(out)
}
