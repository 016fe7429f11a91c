package site

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

// deviceName says in words what a User-Agent names. It is for display and no
// more: a client can write anything there.
func deviceName(userAgent string) string {
	browser := firstOf(userAgent, "an unknown browser",
		"Edg/", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "HeadlessChrome/", "Chrome",
		"Chrome/", "Chrome", "Safari/", "Safari", "curl/", "curl", "Go-http-client/", "a Go program")
	system := firstOf(userAgent, "",
		"iPhone", "iPhone", "iPad", "iPad", "Android", "Android", "Windows", "Windows",
		"Mac OS X", "macOS", "CrOS", "ChromeOS", "Linux", "Linux")
	if system == "" {
		return browser
	}
	return browser + " on " + system
}

// firstOf returns the word after the first of the marks that s contains.
func firstOf(s, otherwise string, marksAndWords ...string) string {
	for pair := range slices.Chunk(marksAndWords, 2) {
		if strings.Contains(s, pair[0]) {
			return pair[1]
		}
	}
	return otherwise
}

// keyName returns what keeps the device key of a session, and which it is.
func keyName(key devicekey.Key) string {
	short := key.Thumbprint()
	short = short[:min(8, len(short))]
	switch key.Kind {
	case "":
		return "None: any client with the cookie has the session"
	case devicekey.DBSC:
		return "Kept by the browser (" + short + ")"
	case devicekey.Page:
		return "Kept in this site's storage of the browser (" + short + ")"
	default:
		return "Kept by the client (" + short + ")"
	}
}

// placeName returns where an address is, as far as it is known.
func placeName(l binding.Location) string { return cmp.Or(knownPlace(l), "unknown place") }

// knownPlace returns the name of the place, or "".
func knownPlace(l binding.Location) string {
	if l.Geo == nil {
		return ""
	}
	city, country := l.Geo.City.Names.English(), l.Geo.Country.Names.English()
	if city != "" && country != "" {
		return city + ", " + country
	}
	return city + country
}

// networkName returns who announces an address, as far as it is known.
func networkName(l binding.Location) string { return cmp.Or(knownNetwork(l), "unknown network") }

func knownNetwork(l binding.Location) string {
	if l.ASN == nil {
		return ""
	}
	return l.ASN.Organization
}

// whereabouts returns the place, the network and the address, as far as they are known.
func whereabouts(l binding.Location, ip netip.Addr) string {
	where := "an unknown place"
	if known := slices.DeleteFunc([]string{knownPlace(l), knownNetwork(l)}, func(s string) bool { return s == "" }); len(known) > 0 {
		where = strings.Join(known, ", on the network of ")
		if knownPlace(l) == "" {
			where = "the network of " + where
		}
	}
	if !ip.IsValid() {
		return where
	}
	return fmt.Sprintf("%s (%s)", where, ip)
}

// notice is a sentence for the user. A warning says what may be somebody else's doing.
type notice struct {
	Text    string
	Warning bool
}

// endingInWords tells the user why the session ended. It does not say where the
// session was used: the browser that is told has shown no more than that it once had
// the session.
func endingInWords(e session.Ending) notice {
	const notYou = " If that was not you, change your password."
	switch e.Cause {
	case session.CauseSignedOut:
		return notice{Text: "You have signed out."}
	case session.CauseExpired:
		return notice{Text: "You were signed out because your time was up. Please sign in again."}
	case session.CauseIdle:
		return notice{Text: "You were signed out because this browser had not been used for a while."}
	case session.CauseBroken:
		return notice{"For your safety you were signed out, because your session was used from " + elsewhere(e.Reason) + "." + notYou, true}
	case session.CauseTerminated, session.CauseMaxSessions:
		return notice{"You were signed out here because somebody signed in to your account on another device." + notYou, true}
	case session.CauseAccountDisabled:
		return notice{Text: "You were signed out because your account is not active. Ask an administrator of this site."}
	case session.CauseCredentialsChanged:
		return notice{"You were signed out here because your password was changed." + notYou, true}
	case session.CauseRevoked:
		return notice{"You were signed out here from another device." + notYou, true}
	default:
		return notice{Text: "You are no longer signed in."}
	}
}

// elsewhere returns where a session was used whose binding no longer held.
func elsewhere(reason binding.Reason) string {
	switch reason {
	case binding.NetworkASNChanged, binding.NetworkPrefixChanged:
		return "another network"
	case binding.NetworkIPChanged:
		return "another address"
	case binding.GeoIPContinentChanged:
		return "another continent"
	case binding.GeoIPCountryChanged:
		return "another country"
	case binding.GeoIPCityChanged:
		return "another city"
	default:
		return "an unknown place"
	}
}

// eventRow is one event, for display. Its JSON is what the stream sends.
type eventRow struct {
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	Detail  string    `json:"detail"`
	Warning bool      `json:"warning"` // it may be somebody else's doing
	Time    time.Time `json:"time"`
}

// rowsOf turns events round: the latest comes first.
func rowsOf(events []loginstage.Event) []eventRow {
	rows := make([]eventRow, 0, len(events))
	for _, e := range slices.Backward(events) {
		rows = append(rows, rowOf(e))
	}
	return rows
}

func rowOf(e loginstage.Event) eventRow {
	row := eventRow{ID: e.ID, Time: e.Time.Truncate(time.Second)}
	there := whereabouts(binding.Location{ASN: e.Context.ASN, Geo: e.Context.Geo}, e.ClientIP)
	switch e.Action {
	case loginstage.ActionLogin:
		row.Title, row.Detail = "Signed in", "From "+there+"."
		if known := e.Context.KnownDevice; known != nil && !*known {
			row.Title = "Signed in on a new device"
		}
	case loginstage.ActionLoginDenied:
		row.Title, row.Detail, row.Warning = "A sign-in was refused", "It came from "+there+".", true
	case loginstage.ActionDeviceBound:
		row.Title = "A session was bound to a key of this device"
	case loginstage.ActionProved:
		row.Title, row.Detail = "A device proved its key", "It was used from "+there+"."
	case loginstage.ActionUnproved:
		row.Title, row.Warning = "Somebody used your session without the key of its device, and got nothing", true
		row.Detail = "They were in " + there + "."
	case loginstage.ActionDeviceForgotten:
		row.Title = "A device is no longer remembered"
	case loginstage.ActionConfirm:
		row.Title, row.Detail = "Confirmed with the password", "From "+there+"."
	case loginstage.ActionRenew:
		row.Title = "A session got a new token"
	case loginstage.ActionCredentials:
		row.Title = "Your password was changed"
	case loginstage.ActionCompleted:
		row.Title = "You did what was required"
	case loginstage.ActionReport, loginstage.ActionStepUp:
		row.Title, row.Detail, row.Warning = "A session is used from elsewhere", "It was used from "+there+".", true
	case loginstage.ActionLogout:
		row.Title = logoutTitle(e)
		if broken := e.Context.Binding; broken != nil {
			row.Detail = fmt.Sprintf("It was used from %s: %s.", elsewhere(broken.Reason), there)
			row.Warning = true
		}
	}
	return row
}

// logoutTitle says how a session ended.
func logoutTitle(e loginstage.Event) string {
	switch e.Cause {
	case session.CauseSignedOut:
		return "Signed out"
	case session.CauseExpired:
		return "A session reached its time limit"
	case session.CauseIdle:
		return "A session ended because it was not used"
	case session.CauseBroken:
		return "A session was ended for your safety"
	case session.CauseReplaced:
		return "Signed in again in the same browser"
	case session.CauseTerminated, session.CauseMaxSessions:
		return "A session was ended by a newer sign-in"
	case session.CauseCredentialsChanged:
		return "A session was ended by a change of the password"
	case session.CauseAccountDisabled:
		return "A session was ended because the account is not active"
	case session.CauseRevoked:
		if e.Actor != e.User {
			return "A session was ended by the operators of this site"
		}
		return "You ended a session"
	default:
		return "A session ended"
	}
}

// sentence starts s with a capital.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
