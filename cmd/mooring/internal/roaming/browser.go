package roaming

import (
	"fmt"
	"time"
)

// Browser is a kind of browser, by the device key that it has.
type Browser struct {
	Name  string
	Share float64 // of all browsers
	Why   string  // in words, with the source of the share
}

// The kinds of browsers, by their index in [Browsers].
const (
	hardwareKey = iota // made and kept by the browser, in the device's security chip
	pageKey            // made by a script, in the browser's own storage
	noKey
	browserKinds
)

// Browsers returns the browsers of today. Their shares sum up to 1.
func Browsers() []Browser {
	return []Browser{
		{"dbsc", 0.20, "Device Bound Session Credentials, with the key in hardware: Chrome since 145 on Windows and 147 on macOS (MDN). Two of five visits come from desktops, seven of ten of these from Chrome (StatCounter, 2025), nine of ten of these from Windows or macOS (assumed); of the Windows machines, six of ten had a TPM that serves, and growing (explainer of webappsec-dbsc), eight of ten assumed"},
		{"page", 0.77, "a WebCrypto key in IndexedDB: every other browser of the last ten years that runs scripts"},
		{"none", 0.03, "no script runs, storage is refused, or the registration was lost: assumed, some three times those without scripts (1 %, UK Government Digital Service, 2013)"},
	}
}

// Keys that honest users lose, as shares of the sessions that have one.
const (
	// lostPageKeys is how many page keys are gone within a week though the cookie is
	// not: storage is cleared or evicted. Assumed; Safari removes what scripts have
	// stored after seven days of use of the browser without a visit, which does not
	// happen to those who come every day.
	lostPageKeys = 0.01
	// lostHardwareKeys is how many keys in hardware fail: 0.001 % of signatures
	// (explainer of webappsec-dbsc), at one hundred a week.
	lostHardwareKeys = 0.001
)

// Setting is what the figures are for.
type Setting struct {
	Keys       float64       `json:"browsers_with_keys"` // share of browsers with a device key, in the proportion of today's kinds
	ProveEvery time.Duration `json:"prove_every_ns"`     // how long a bound cookie holds; 0: there is none
}

// validate returns an error that says what is allowed.
func (s Setting) validate() error {
	if !(s.Keys >= 0 && s.Keys <= 1) {
		return fmt.Errorf("device keys in a share of %v of the browsers: want 0 to 1", s.Keys)
	}
	if s.ProveEvery < 0 || s.ProveEvery >= hoursApart*time.Hour {
		return fmt.Errorf("a proof every %v: want less than %d hours, which are between two uses, or 0 for none", s.ProveEvery, hoursApart)
	}
	return nil
}

// shares returns the share of each kind of browser.
func (s Setting) shares() [browserKinds]float64 {
	today := Browsers()
	withKey := today[hardwareKey].Share + today[pageKey].Share
	return [browserKinds]float64{s.Keys * today[hardwareKey].Share / withKey, s.Keys * today[pageKey].Share / withKey, 1 - s.Keys}
}
