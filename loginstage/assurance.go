package loginstage

import (
	"fmt"

	"github.com/mooring-go/mooring/duration"
)

// assurances are the limits of a level of assurance: how long a user may go without
// being proved again, and how long a session unused (NIST SP 800-63B-4, sections
// 2.1.3, 2.2.3 and 2.3.3). 0: none.
var assurances = map[string]struct{ lifetime, idle duration.Duration }{
	ACRAAL1: {duration.Duration(30 * 24 * hour), 0},
	ACRAAL2: {duration.Duration(24 * hour), duration.Duration(hour)},
	ACRAAL3: {duration.Duration(12 * hour), duration.Duration(hour / 4)},
}

// assure fills in the limits that Assurance says.
func (c *Config) assure() {
	level := assurances[c.Assurance]
	setDefault(&c.MaxLifetime, level.lifetime)
	setDefault(&c.IdleTimeout, level.idle)
}

// checkAssurance finds limits that are longer than Assurance allows, and an IdleResume
// that cannot be.
func (c Config) checkAssurance(add func(field string, value any, want string)) {
	switch {
	case c.IdleResume == 0:
	case c.Assurance == ACRAAL3:
		add("IdleResume", c.IdleResume, "none for Assurance "+ACRAAL3+", which takes both factors after an idle limit")
	case c.IdleTimeout == 0 && assurances[c.Assurance].idle == 0:
		add("IdleResume", c.IdleResume, "none without an IdleTimeout")
	}
	if c.Assurance == "" {
		return
	}
	level, known := assurances[c.Assurance]
	if !known {
		add("Assurance", fmt.Sprintf("%.40q", c.Assurance), fmt.Sprintf("none, %q, %q or %q", ACRAAL1, ACRAAL2, ACRAAL3))
		return
	}
	for _, limit := range []struct {
		field string
		value duration.Duration
		most  duration.Duration
	}{
		{"SessionDuration + StaySignedInOffset", c.SessionDuration + c.StaySignedInOffset, level.lifetime},
		{"MaxLifetime", c.MaxLifetime, level.lifetime},
		{"IdleTimeout", c.IdleTimeout, level.idle},
	} {
		if limit.most > 0 && limit.value > limit.most {
			add(limit.field, limit.value, fmt.Sprintf("at most %s for Assurance %s", limit.most, c.Assurance))
		}
	}
}
