package site

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/session"
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

// placeName is where an address is, as far as it is known.
func placeName(l binding.Location) string {
	if l.Geo == nil {
		return "unknown place"
	}
	city, country := l.Geo.City.Names.English(), l.Geo.Country.Names.English()
	switch {
	case city != "" && country != "":
		return city + ", " + country
	case city+country != "":
		return city + country
	default:
		return "unknown place"
	}
}

// networkName is who announces an address, as far as it is known.
func networkName(l binding.Location) string {
	if l.ASN == nil {
		return "unknown network"
	}
	return strings.TrimSpace(fmt.Sprintf("AS%d %s", l.ASN.Number, l.ASN.Organization))
}

// endingInWords tells the user why the session ended. It does not say where
// from a session was used: whoever reads this has shown no more than that the
// browser once had the session.
func endingInWords(e session.Ending) string {
	switch e.Cause {
	case session.CauseSignedOut:
		return "You signed out."
	case session.CauseExpired:
		return "Your last session reached its time limit."
	case session.CauseIdle:
		return "Your last session was not used for too long."
	case session.CauseBroken:
		return "Your last session was ended because " + brokenInWords(e.Reason) + ". If that was not you, change your password."
	case session.CauseTerminated, session.CauseMaxSessions:
		return "Your last session was ended by a newer sign-in elsewhere. If that was not you, change your password."
	case session.CauseRevoked:
		return "Your last session was ended from another one."
	default:
		return "Your last session has ended."
	}
}

func brokenInWords(reason binding.Reason) string {
	switch reason {
	case binding.NetworkASNChanged, binding.NetworkPrefixChanged:
		return "it was used from another network"
	case binding.NetworkIPChanged:
		return "it was used from another address"
	case binding.GeoIPContinentChanged:
		return "it was used from another continent"
	case binding.GeoIPCountryChanged:
		return "it was used from another country"
	case binding.GeoIPCityChanged:
		return "it was used from another city"
	default:
		return "it was used from a place of which nothing is known"
	}
}

// eventRow is one event, for display. Its JSON is what the stream sends.
type eventRow struct {
	ID     string    `json:"id"`
	Title  string    `json:"title"`
	Detail string    `json:"detail"`
	Time   time.Time `json:"time"`
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
	there := binding.Location{ASN: e.Context.ASN, Geo: e.Context.Geo}
	switch e.Action {
	case loginstage.ActionLogin:
		row.Title = "Signed in"
		if known := e.Context.KnownDevice; known != nil && !*known {
			row.Title = "Signed in on a new device"
		}
		row.Detail = fmt.Sprintf("From %s, %s (%s)", placeName(there), networkName(there), e.ClientIP)
	case loginstage.ActionLoginDenied:
		row.Title = "Sign-in denied"
		row.Detail = fmt.Sprintf("From %s", e.ClientIP)
	case loginstage.ActionDeviceForgotten:
		row.Title = "A remembered device was forgotten"
	case loginstage.ActionLogout:
		row.Title = "A session ended: " + e.Context.LogoutReason
		if broken := e.Context.Binding; broken != nil {
			row.Detail = fmt.Sprintf("%s (%s): tried from %s, %s (%s)",
				sentence(brokenInWords(broken.Reason)), broken.Reason, placeName(there), networkName(there), e.Context.IP.New)
		}
	}
	return row
}

// sentence starts s with a capital.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
