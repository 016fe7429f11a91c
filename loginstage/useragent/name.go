package useragent

import (
	parser "github.com/medama-io/go-useragent"
	"github.com/medama-io/go-useragent/agents"
)

// Name returns what the browser of the User-Agent is called, and where it runs: "Firefox
// on Linux", "Chrome on Android", "Safari on iPhone". Where one of the two is not known it
// returns the other, and where neither is, as of curl or of a host's own app, "". It never
// fails, whatever the text, and is safe for concurrent use.
func Name(userAgent string) string {
	agent := parser.NewParser().Parse(userAgent)
	browser, system := browserOf(agent), systemOf(agent)
	switch {
	case browser == "":
		return system
	case system == "":
		return browser
	default:
		return browser + " on " + system
	}
}

// browserOf returns what people call the browser.
func browserOf(agent parser.UserAgent) string {
	switch browser := agent.Browser(); browser {
	case agents.BrowserIE:
		return "Internet Explorer"
	case agents.BrowserSamsung:
		return "Samsung Internet"
	default:
		return browser.String()
	}
}

// systemOf returns what people call what the browser runs on.
func systemOf(agent parser.UserAgent) string {
	switch system := agent.OS(); system {
	case agents.OSMacOS:
		return "macOS"
	case agents.OSIOS:
		switch agent.Device() {
		case agents.DeviceTablet:
			return "iPad"
		case agents.DeviceMobile:
			return "iPhone"
		}
		return "iOS"
	default:
		return system.String()
	}
}
