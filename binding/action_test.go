package binding_test

import (
	"encoding"
	"errors"
	"fmt"
	"testing"

	"github.com/mooring-go/mooring/binding"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// setting is a setting that is one of a few names.
type setting interface {
	fmt.Stringer
	encoding.TextMarshaler
}

// testRule checks the names of a setting, in the order of its values.
func testRule[T setting](t *testing.T, names []string, of func(uint8) T) {
	t.Helper()
	for i, name := range names {
		value := of(uint8(i))
		assert.Equal(t, name, value.String())
		text, err := value.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, name, string(text))

		read := of(200)
		require.NoError(t, any(&read).(encoding.TextUnmarshaler).UnmarshalText([]byte(name)))
		assert.Equal(t, value, read)
	}
	_, err := of(uint8(len(names))).MarshalText()
	assert.Error(t, err, "a number that is none")
	assert.Contains(t, of(200).String(), "(200)")

	for _, input := range []string{"", "x", names[0] + " ", "0"} {
		read := of(1)
		err := any(&read).(encoding.TextUnmarshaler).UnmarshalText([]byte(input))
		levelError, ok := errors.AsType[*binding.LevelError](err)
		require.True(t, ok, "%q", input)
		assert.Equal(t, input, levelError.Input)
		assert.Equal(t, names, levelError.Allowed)
		assert.Equal(t, of(1), read, "unchanged by an error")
	}
}

func TestRulesAreReadAndWrittenAsText(t *testing.T) {
	testRule(t, []string{"end", "step_up", "prove", "report", "allow"}, func(n uint8) binding.Action { return binding.Action(n) })
	testRule(t, []string{"strict", "learn"}, func(n uint8) binding.Families { return binding.Families(n) })
	testRule(t, []string{"break", "hold", "hold_same_class"}, func(n uint8) binding.MissingRule { return binding.MissingRule(n) })
	testRule(t, []string{"as_missing", "break", "hold"}, func(n uint8) binding.LocalRule { return binding.LocalRule(n) })

	err := new(binding.Action).UnmarshalText([]byte("Report"))
	assert.ErrorContains(t, err, "want one of end, step_up, prove, report, allow")
}

func TestStricterActionsAreLess(t *testing.T) {
	assert.IsIncreasing(t, []binding.Action{binding.End, binding.StepUp, binding.Prove, binding.Report, binding.Allow})
}

var everyReason = []binding.Reason{
	binding.NetworkMissing, binding.NetworkASNChanged, binding.NetworkPrefixChanged, binding.NetworkIPChanged,
	binding.GeoIPMissing, binding.GeoIPContinentChanged, binding.GeoIPCountryChanged, binding.GeoIPCityChanged,
}

func TestActions(t *testing.T) {
	var zero binding.Actions
	reports := binding.Always(binding.Report)
	for _, r := range everyReason {
		assert.Equal(t, binding.End, zero.For(r))
		assert.Equal(t, binding.Report, reports.For(r))
	}
	mixed := reports.With(binding.StepUp, binding.NetworkASNChanged, binding.GeoIPCityChanged, "no.reason")
	assert.Equal(t, binding.StepUp, mixed.For(binding.NetworkASNChanged))
	assert.Equal(t, binding.StepUp, mixed.For(binding.GeoIPCityChanged))
	assert.Equal(t, binding.Report, mixed.For(binding.NetworkMissing))
	assert.Equal(t, binding.Report, reports.For(binding.NetworkASNChanged), "With changes a copy")
	assert.Equal(t, binding.End, mixed.For("no.reason"))
	assert.Equal(t, binding.End, reports.For("*"))
}

func TestActionsText(t *testing.T) {
	const reportAll = "network.missing=report,network.asn=report,network.asn_network=report,network.ip=report," +
		"geoip.missing=report,geoip.continent=report,geoip.country=report,geoip.city=report"
	for text, want := range map[string]string{
		"":                                      "",
		"*=end":                                 "",
		"network.asn=end":                       "",
		"*=report":                              reportAll,
		"geoip.city=allow":                      "geoip.city=allow",
		" geoip.city=allow , *=end":             "geoip.city=allow",
		"*=report,network.asn=report":           reportAll,
		"geoip.city=step_up,network.asn=report": "network.asn=report,geoip.city=step_up",
		"network.ip=prove":                      "network.ip=prove",
	} {
		var read, again binding.Actions
		require.NoError(t, read.UnmarshalText([]byte(text)), "%q", text)
		written, err := read.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, want, string(written))
		require.NoError(t, again.UnmarshalText(written))
		assert.Equal(t, read, again)
	}

	for _, text := range []string{"*=report,network.asn=end", "network.asn=end,*=report"} {
		var read binding.Actions
		require.NoError(t, read.UnmarshalText([]byte(text)))
		assert.Equal(t, binding.Always(binding.Report).With(binding.End, binding.NetworkASNChanged), read, "what is named counts, in any order")
	}

	for text, want := range map[string]string{
		"report":                                  "want each of *",
		"network.moon=report":                     "network.moon",
		"=report":                                 "want each of *",
		"network.asn=report,":                     "want each of *",
		"*=report,*=end":                          "once",
		"network.asn=end,network.asn=end":         "once",
		"network.asn":                             "want one of end",
		"network.asn=":                            "want one of end",
		"network.asn=ignore":                      `"ignore"`,
		"network.asn=report=end":                  `"report=end"`,
		"network.asn=report,geoip.country=END":    `"END"`,
		"network.asn=report;geoip.country=report": "want one of end",
	} {
		read := binding.Always(binding.StepUp)
		require.ErrorContains(t, read.UnmarshalText([]byte(text)), want, "%q", text)
		assert.Equal(t, binding.Always(binding.StepUp), read, "unchanged by an error")
	}
	_, err := binding.Always(9).MarshalText()
	assert.ErrorContains(t, err, "9")
}
