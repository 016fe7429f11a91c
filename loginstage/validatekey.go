package loginstage

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/mooring-go/mooring/duration"
	"github.com/mooring-go/mooring/session"
)

// checkDeviceKey finds what is wrong about device keys.
func (c Config) checkDeviceKey(add func(field string, value any, want string), wired func(field string, err error)) {
	_, err := c.DeviceKey.MarshalText()
	wired("DeviceKey", err)
	const least, most = duration.Duration(time.Minute), duration.Duration(24 * hour)
	switch {
	case c.ProveEvery != 0 && (c.ProveEvery < least || c.ProveEvery > most):
		add("ProveEvery", c.ProveEvery, fmt.Sprintf("0 (only where a binding asks for it), or from %s to %s", least, most))
	case c.ProveEvery != 0 && c.DeviceKey == DeviceKeyOff:
		add("ProveEvery", c.ProveEvery, "0, or a DeviceKey that is offer or require")
	}
	if c.DeviceKeyGrace != 0 && (c.DeviceKeyGrace < duration.Duration(time.Second) || c.DeviceKeyGrace > duration.Duration(registerTime)) {
		add("DeviceKeyGrace", c.DeviceKeyGrace, fmt.Sprintf("0 (%s), or from seconds=1 to %s", DefaultDeviceKeyGrace, duration.Duration(registerTime)))
	}
	if p := c.DeviceKeyPath; p != "" && (!samePath(p) || p == "/" || path.Clean(p) != p || strings.ContainsAny(p, "?#{}%")) {
		add("DeviceKeyPath", fmt.Sprintf("%.80q", p), `none, or a path such as "/mooring", without a slash at its end`)
	}
	if o, err := url.Parse(c.Origin); c.Origin != "" && (err != nil || (o.Scheme != "https" && o.Scheme != "http") || o.Host == "" || o.Scheme+"://"+o.Host != c.Origin) {
		add("Origin", fmt.Sprintf("%.80q", c.Origin), `none, or a scheme and a host, such as "https://api.example.com"`)
	}
	if c.DeviceKey == DeviceKeyOff {
		return
	}
	if _, bearer := c.Carrier.(bearing); bearer && c.Origin == "" {
		add("Origin", "none", fmt.Sprintf(`one such as "https://api.example.com", for the DPoP proofs of clients of a %T`, c.Carrier))
	}
	if _, inMemory := session.StoreAs[session.InMemory](c.Store); c.Store != nil && !inMemory && c.DeviceSecrets.IsZero() {
		add("DeviceSecrets", "none", "devicekey.NewSecrets, with a Store that outlives this process or is shared with others")
	}
}
