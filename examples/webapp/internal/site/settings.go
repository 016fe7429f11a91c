package site

import (
	"cmp"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/binding/bindingtest"
	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/examples/webapp/internal/storage"
	"github.com/mooring-go/mooring/loginstage"
	stagesettings "github.com/mooring-go/mooring/loginstage/settings"
	"github.com/mooring-go/mooring/loginstage/settingsyaml"
	"github.com/mooring-go/mooring/session"
)

const defaultAddr = "localhost:8080"

// settings is what the flags say, and the settings of the stage.
type settings struct {
	addr         string // empty: defaultAddr, or any port where that is taken
	asn, city    string // database files
	demo         bool   // visitors pretend to be elsewhere
	demoAccounts bool   // accounts whose passwords everybody may read

	store   string // the name of its kind
	storage storage.Settings

	insecureHTTP bool
	tls          bool // by a certificate of its own

	login loginstage.Config // the settings of the stage; nothing is wired in yet

	out io.Writer // where the program says what it does
}

// realData reports whether database files were named.
func (s settings) realData() bool { return s.asn != "" || s.city != "" }

// parseSettings reads the settings of the stage from a file and the environment, and
// everything from the flags, which count for more. It returns every mistake, joined; each begins
// with its flag or variable. A setting of the stage reads itself from text, so
// flag.TextVar is all it takes, and JSON and YAML work the same way.
func parseSettings(kinds []storage.Kind, args []string, out io.Writer) (settings, error) {
	s := settings{out: out}
	flags := flag.NewFlagSet("webapp", flag.ContinueOnError)
	flags.StringVar(&s.addr, "addr", "", "address to listen on (default "+defaultAddr+", or a free port)")
	flags.StringVar(&s.asn, "asn", "", "GeoLite2-ASN or GeoIP2-ISP database `file`")
	flags.StringVar(&s.city, "city", "", "GeoLite2-City or GeoIP2-City database `file`")
	flags.StringVar(&s.store, "store", kinds[0].Name, "where sessions are kept: "+storage.Names(kinds))
	flags.StringVar(&s.storage.DSN, "dsn", "",
		"the `place` of the store: a file for sqlite, a data source name or URL for the others\n"+
			"(default a file of the user's own, or a server on this machine)")
	flags.StringVar(&s.storage.Table, "table", "webapp_session", "`name` of the table of sessions; for redis, what keys begin with")
	flags.BoolVar(&s.demo, "demo", true,
		"demo only: let visitors pretend to be elsewhere; with -asn or -city, or where others\n"+
			"can reach the address, only if asked for")
	flags.BoolVar(&s.demoAccounts, "demo-accounts", true,
		"demo only: accounts whose passwords everybody may read; where others can reach the\n"+
			"address, only if asked for")
	flags.BoolVar(&s.insecureHTTP, "insecure-http", false,
		"send cookies without TLS, for a browser that takes no Secure cookie from localhost (Safari)")

	flags.BoolVar(&s.tls, "tls", false,
		"serve HTTPS by a certificate that is made at the start, and bind sessions to device keys;\n"+
			"browsers warn of the certificate")

	login := &s.login
	flags.TextVar(&login.SessionDuration, "session-duration", duration.MustParse("hours=12"),
		"how long a session lives; seconds=0: until the browser closes")
	flags.TextVar(&login.IdleTimeout, "idle-timeout", duration.MustParse("seconds=0"),
		"how long a session may go unused; seconds=0: as long as it lives")
	flags.TextVar(&login.StaySignedInOffset, "stay-signed-in-offset", duration.MustParse("weeks=2"),
		"how much longer for those who choose to stay signed in; seconds=0: nobody is asked")
	flags.TextVar(&login.RememberDevice, "remember-device", duration.MustParse("weeks=4"),
		"how long a device is known after a sign-in; seconds=0: not at all")
	flags.TextVar(&login.NetworkBinding, "network-binding", binding.NetworkASN,
		"no_binding, bind_asn, bind_asn_network or bind_asn_network_ip")
	flags.TextVar(&login.GeoIPBinding, "geoip-binding", binding.GeoIPCountry,
		"no_binding, bind_continent, bind_continent_country or bind_continent_country_city")
	flags.TextVar(&login.DeviceKey, "device-key", loginstage.DeviceKeyOff,
		"off, offer or require: whether sessions are bound to a key of the browser, and asked to\n"+
			"prove it where a binding no longer holds (default offer with -tls)")
	flags.TextVar(&login.ProveEvery, "prove-every", duration.MustParse("seconds=0"),
		"how often a key is proved, wherever it is used; seconds=0: only where a binding asks\n"+
			"for it (default minutes=5 with -tls)")
	flags.BoolVar(&login.TerminateOtherSessions, "terminate-other-sessions", false,
		"end a user's other sessions with each sign-in")

	readErr := readLogin(login)
	set, err := parseAll(flags, args, out)
	if errors.Is(err, flag.ErrHelp) {
		return settings{}, err
	}
	s.bindToDevices(set)
	public := s.addr != "" && !isLoopback(s.addr)
	if (s.realData() || public) && !set["demo"] {
		s.demo = false
	}
	err = errors.Join(readErr, err, s.checkAddr(set["demo-accounts"]), s.checkTLS(), s.checkFiles(), storage.Check(kinds, s.store, s.storage), s.checkStage(flags))
	if err != nil {
		return settings{}, err
	}
	login.Carrier = session.Cookie{InsecureHTTP: s.insecureHTTP}
	return s, nil
}

// bindToDevices completes what was said of device keys.
func (s *settings) bindToDevices(set map[string]bool) {
	if s.tls && !set["device-key"] && s.login.DeviceKey == loginstage.DeviceKeyOff {
		s.login.DeviceKey = loginstage.DeviceKeyOffer
	}
	if s.login.DeviceKey == loginstage.DeviceKeyOff {
		return
	}
	if s.tls && !set["prove-every"] && s.login.ProveEvery == 0 {
		s.login.ProveEvery = duration.MustParse("minutes=5")
	}
	if s.login.Preset == binding.PresetNone && s.login.Actions == (binding.Actions{}) {
		s.login.Actions = binding.Always(binding.Prove) // a session without a key ends
	}
}

// checkTLS returns what is wrong with how browsers are to be served.
func (s settings) checkTLS() error {
	if s.tls && s.insecureHTTP {
		return errors.New("-insecure-http: sends cookies without TLS: want one of it and -tls")
	}
	return nil
}

// The variables of the stage, and the one that names a file of its settings.
const (
	settingsPrefix = "WEBAPP_"
	settingsFile   = "WEBAPP_SETTINGS"
)

// readLogin reads the settings of the stage from the file that WEBAPP_SETTINGS names, if any,
// and from the environment, which counts for more: session_duration from
// WEBAPP_SESSION_DURATION.
func readLogin(login *loginstage.Config) error {
	s := login.Settings()
	var mistakes []error
	if name := os.Getenv(settingsFile); name != "" {
		text, err := os.ReadFile(name)
		if err == nil {
			err = settingsyaml.Read(&s, text)
		}
		for _, mistake := range each(err) {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", settingsFile, mistake))
		}
	}
	environment := slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, settingsFile+"=") })
	mistakes = append(mistakes, each(stagesettings.ReadEnvironment(&s, settingsPrefix, environment))...)
	*login = s.Config()
	return errors.Join(mistakes...)
}

// checkAddr returns what is wrong with the address to listen on. One that others can
// reach needs a word about the demo accounts.
func (s settings) checkAddr(accountsAsked bool) error {
	if s.addr == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(s.addr); err != nil {
		return fmt.Errorf("-addr: %q: want host:port or :port", s.addr)
	}
	if !isLoopback(s.addr) && !accountsAsked {
		return fmt.Errorf("-addr: others can reach %q, and everybody may read the passwords of the accounts: "+
			"want an address of this machine alone, such as %s, or -demo-accounts too", s.addr, defaultAddr)
	}
	return nil
}

// checkFiles returns which of the databases that were named cannot be opened.
func (s settings) checkFiles() error {
	var mistakes []error
	for _, named := range []struct{ flag, file string }{{"-asn", s.asn}, {"-city", s.city}} {
		if named.file == "" {
			continue
		}
		file, err := os.Open(named.file)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", named.flag, err))
			continue
		}
		_ = file.Close() // it was only read
	}
	return errors.Join(mistakes...)
}

// isLoopback reports whether only this machine can reach the address. An address
// without a host is that of all interfaces.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// checkStage returns every rule of the stage that the settings break, by flag.
func (s settings) checkStage(flags *flag.FlagSet) error {
	config := s.login
	config.Locator = bindingtest.Places() // whether there is one does not depend on settings
	_, err := loginstage.New(config)
	var mistakes []error
	for _, mistake := range each(err) {
		if in, ok := errors.AsType[*loginstage.ConfigError](mistake); ok {
			flags.VisitAll(func(f *flag.Flag) {
				if strings.EqualFold(strings.ReplaceAll(f.Name, "-", ""), in.Field) {
					mistake = fmt.Errorf("-%s: %v: want %s", f.Name, in.Value, in.Want)
				}
			})
		}
		mistakes = append(mistakes, mistake)
	}
	return errors.Join(mistakes...)
}

// each returns the errors that were joined.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// public reports whether others can reach the address to listen on.
func (s settings) public() bool { return !isLoopback(cmp.Or(s.addr, defaultAddr)) }

// origin returns the address of the application, which listens on addr, as browsers have
// it. A real application has it as a setting: it is behind a proxy.
func (s settings) origin(addr net.Addr) string {
	scheme := "http"
	if s.tls {
		scheme = "https"
	}
	if s.public() {
		return fmt.Sprintf("%s://%s", scheme, addr)
	}
	return fmt.Sprintf("%s://localhost:%d", scheme, addr.(*net.TCPAddr).Port)
}

// announce says where the application and its sessions are, and how to sign in.
func announce(out io.Writer, s settings, origin, place string, certificate *tls.Certificate) {
	fmt.Fprintf(out, "Listening on %s/\n", origin)
	if certificate != nil {
		fmt.Fprintf(out, "The certificate is of this run alone, and browsers warn of it. A Chromium that trusts it, and has\n"+
			"device-bound sessions with keys in software:\n"+
			"  chromium --user-data-dir=\"$(mktemp -d)\" --ignore-certificate-errors-spki-list=%s \\\n"+
			"    --enable-features=DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting\n", spki(certificate))
	}
	fmt.Fprintf(out, "Sessions are kept %s\n\n", place)
	if s.demoAccounts {
		fmt.Fprintln(out, "Accounts of this example:")
		for _, account := range demoAccounts {
			note := ""
			if account.Inactive {
				note = "  (inactive: may not sign in)"
			}
			fmt.Fprintf(out, "  %-6s %s%s\n", account.ID, account.password, note)
		}
	} else {
		fmt.Fprintln(out, "Nobody has an account: see -demo-accounts.")
	}
	if s.demo {
		fmt.Fprintln(out, "\nDemo mode: visitors choose the place they come from.")
	}
	if s.public() && !s.insecureHTTP && certificate == nil {
		fmt.Fprintln(out, "\nBrowsers take the session cookie over HTTPS alone here: put a TLS proxy in front.")
	}
	fmt.Fprintln(out)
}
