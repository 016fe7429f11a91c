package loginstage

import (
	"fmt"

	"github.com/mooring-go/mooring/binding"
)

// policy returns the policy that is recorded in sessions at the sign-in.
func (c Config) policy() binding.Policy {
	policy := binding.Policy{Network: c.NetworkBinding, GeoIP: c.GeoIPBinding, Tolerance: withoutLists(c.Tolerance)}
	if c.Preset != binding.PresetNone {
		policy = c.Preset.Policy()
	}
	if c.Actions != (binding.Actions{}) {
		policy.Actions = c.Actions
	}
	if c.Unproved != (binding.Actions{}) {
		policy.Unproved = c.Unproved
	}
	if c.ReportOnly {
		policy.Actions = binding.Always(binding.Report)
	}
	return policy
}

// withoutLists returns t without its lists, which the running configuration has.
func withoutLists(t binding.Tolerance) binding.Tolerance {
	t.ASNGroups, t.Exempt = nil, nil
	return t
}

// checkBinding adds the mistakes in the policy, such as one that nothing could check.
func (c Config) checkBinding(add func(field string, value any, want string), wired func(field string, err error)) {
	_, presetErr := c.Preset.MarshalText()
	wired("Preset", presetErr)
	_, networkErr := c.NetworkBinding.MarshalText()
	wired("NetworkBinding", networkErr)
	_, geoIPErr := c.GeoIPBinding.MarshalText()
	wired("GeoIPBinding", geoIPErr)
	wired("Tolerance", c.Tolerance.Validate())
	_, actionsErr := c.Actions.MarshalText()
	wired("Actions", actionsErr)
	wired("Unproved", binding.Policy{Unproved: c.Unproved}.Validate())
	if c.Preset != binding.PresetNone && (c.NetworkBinding != binding.NetworkOff || c.GeoIPBinding != binding.GeoIPOff ||
		withoutLists(c.Tolerance) != binding.Tolerance{}) {
		add("Preset", c.Preset, "no NetworkBinding, no GeoIPBinding and of Tolerance only its lists beside it, or "+binding.PresetNone.String())
	}
	if _, ok := c.Locator.(binding.Ager); c.ReportWhenStale && !ok {
		add("ReportWhenStale", c.ReportWhenStale, fmt.Sprintf("a Locator that is a binding.Ager, not %T", c.Locator))
	}
	if c.Locator == nil {
		unchecked := func(field string, value, none fmt.Stringer, err error) {
			if value != none && err == nil {
				add(field, value, "a Locator to check it with, or "+none.String())
			}
		}
		unchecked("Preset", c.Preset, binding.PresetNone, presetErr)
		unchecked("NetworkBinding", c.NetworkBinding, binding.NetworkOff, networkErr)
		unchecked("GeoIPBinding", c.GeoIPBinding, binding.GeoIPOff, geoIPErr)
		return
	}
	policy := c.policy()
	if networkErr != nil {
		policy.Network = binding.NetworkOff
	}
	if geoIPErr != nil {
		policy.GeoIP = binding.GeoIPOff
	}
	if locator, ok := c.Locator.(binding.Coverer); ok && presetErr == nil {
		wired("Locator", locator.Covers(policy))
	}
}
