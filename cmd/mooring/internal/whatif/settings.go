package whatif

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/mooring-go/mooring/cmd/mooring/internal/accesslog"
	"github.com/mooring-go/mooring/duration"
)

// The ways to print.
const (
	asTable    = "table"
	asJSON     = "json"
	asMarkdown = "markdown"
)

// settings is what the flags say.
type settings struct {
	asn, city string // database files
	demo      bool
	arguments []string // logs, or two addresses

	logFormat string
	fields    accesslog.Fields
	proxies   []netip.Prefix
	idle      duration.Duration

	format string
	html   string // a file to write a page to; empty: none
	svg    string // a file to write the plot of the model to; empty: none

	keys       float64 // the share of sessions with a device key, in percent; below 0: not said
	proveEvery duration.Duration

	seed     uint64
	sessions int

	policy policySettings
}

func parseSettings(args []string, errOut io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("whatif", flag.ContinueOnError)
	flags.SetOutput(errOut)
	flags.Usage = func() {
		fmt.Fprint(errOut, "usage: mooring whatif -asn file -city file [flags] log...\n",
			"       mooring whatif -asn file -city file [flags] address address\n",
			"       mooring whatif -demo [flags]\n\n")
		flags.PrintDefaults()
	}
	flags.StringVar(&s.asn, "asn", "", "GeoLite2-ASN or GeoIP2-ISP database `file`")
	flags.StringVar(&s.city, "city", "", "GeoLite2-City or GeoIP2-City database `file`")
	flags.BoolVar(&s.demo, "demo", false, "model honest users and thieves; with logs or addresses: take a made-up world for databases")

	flags.StringVar(&s.logFormat, "log-format", "auto", "auto, combined, vhost, haproxy, alb, elb, w3c, csv or jsonl")
	flags.Func("proxies", "`networks` of proxies, such as 192.0.2.0/24,2001:db8::/32, passed over in a list of addresses besides local ones", func(text string) error {
		for prefix := range strings.SplitSeq(text, ",") {
			parsed, err := netip.ParsePrefix(strings.TrimSpace(prefix))
			if err != nil {
				return err
			}
			s.proxies = append(s.proxies, parsed)
		}
		return nil
	})
	flags.StringVar(&s.fields.Time, "time-field", "", "`name` of the field with the time (default time)")
	flags.StringVar(&s.fields.IP, "ip-field", "", "`name` of the field with the client's address (default the format's own, such as host or ip); it may hold a list")
	flags.StringVar(&s.fields.Session, "session-field", "", "`name` of the field that tells sessions apart (default session, or else the user); extra1 is the first that is appended to the format's own")
	flags.StringVar(&s.fields.User, "user-field", "", "`name` of the field with the user (default user)")
	flags.TextVar(&s.idle, "idle", duration.MustParse("hours=12"), "a session that was not used for longer is over")

	flags.StringVar(&s.format, "format", asTable, "how to print: table, json or markdown")
	flags.StringVar(&s.html, "html", "", "also write a page with plots to `file`")

	flags.StringVar(&s.svg, "svg", "", "also write the plot of the model to `file`")

	flags.Float64Var(&s.keys, "keys", -1, "how many `percent` of sessions have a device key (default 0 for logs, 100 for addresses; the model shows 100, 70 and 0)")
	flags.TextVar(&s.proveEvery, "prove-every", duration.MustParse("minutes=10"), "of the model: how long the bound cookie of a session with a device key holds")

	flags.Uint64Var(&s.seed, "seed", 1, "of the model")
	flags.IntVar(&s.sessions, "sessions", 400, "how many sessions of each kind of honest user to model")
	s.policy.register(flags)

	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	s.arguments = flags.Args()
	flags.Visit(func(f *flag.Flag) { s.policy.apply(f.Name) })
	return s, s.validate()
}

// validate returns every mistake.
func (s settings) validate() error {
	var mistakes []error
	if len(s.arguments) == 0 && !s.demo {
		mistakes = append(mistakes, errors.New("nothing to do: name logs or two addresses, or set -demo"))
	}
	if len(s.arguments) > 0 && !s.demo && s.asn == "" && s.city == "" {
		mistakes = append(mistakes, errors.New("nothing is known of addresses: name databases with -asn and -city, or set -demo for a made-up world"))
	}
	if s.demo && (s.asn != "" || s.city != "") {
		mistakes = append(mistakes, errors.New("-demo has databases of its own: want either it or -asn and -city"))
	}
	if s.format != asTable && s.format != asJSON && s.format != asMarkdown {
		mistakes = append(mistakes, fmt.Errorf("-format %q: want %s, %s or %s", s.format, asTable, asJSON, asMarkdown))
	}
	if s.idle <= 0 {
		mistakes = append(mistakes, fmt.Errorf("-idle %s: want more than nothing", s.idle))
	}
	if s.keys != -1 && !(s.keys >= 0 && s.keys <= 100) {
		mistakes = append(mistakes, fmt.Errorf("-keys %v: want 0 to 100 percent", s.keys))
	}
	if s.proveEvery <= 0 || s.proveEvery.Std() > time.Hour {
		mistakes = append(mistakes, fmt.Errorf("-prove-every %s: want more than nothing and up to an hour", s.proveEvery))
	}
	if s.svg != "" && !(s.demo && len(s.arguments) == 0) {
		mistakes = append(mistakes, errors.New("-svg is the plot of the model: want -demo alone"))
	}
	if s.sessions < 1 || s.sessions > 100_000 {
		mistakes = append(mistakes, fmt.Errorf("-sessions %d: want 1 to 100000", s.sessions))
	}
	if err := s.policy.policy.Validate(); err != nil {
		mistakes = append(mistakes, err)
	}
	return errors.Join(mistakes...)
}

// pair returns the two addresses, if that is what was given.
func (s settings) pair() (from, to netip.Addr, ok bool) {
	if len(s.arguments) != 2 {
		return from, to, false
	}
	from, fromErr := netip.ParseAddr(s.arguments[0])
	to, toErr := netip.ParseAddr(s.arguments[1])
	return from, to, fromErr == nil && toErr == nil
}

// writeFile writes a file, if its name is not empty.
func writeFile(name string, write func(io.Writer) error) (err error) {
	if name == "" {
		return nil
	}
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return write(file)
}
