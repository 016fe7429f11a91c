package session_test

import (
	"encoding"
	"encoding/json"
	"flag"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/devicekey"
)

var update = flag.Bool("update", false, "write the golden files of records that are not there")

// golden returns the record in a file of testdata. The files of one version are never
// changed: each is what a release has written.
func golden(tb testing.TB, name string) []byte {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "records", name+".json"))
	require.NoError(tb, err)
	return []byte(strings.TrimSpace(string(text)))
}

var (
	recorded   = time.Date(2026, 3, 29, 1, 59, 59, 999_999_999, time.UTC)
	recordedAt = binding.Location{
		IP:  netip.MustParseAddr("2001:db8::1"),
		ASN: &binding.ASN{Number: 64496, Organization: "Example <Net>", Network: netip.MustParsePrefix("2001:db8::/32")},
		Geo: &binding.Geo{
			Continent:   binding.Continent{Code: "EU", GeoNameID: 6255148, Names: binding.Names{"en": "Europe", "de": "Europa"}},
			Country:     binding.Country{ISOCode: "DE", GeoNameID: 2921044},
			City:        binding.City{GeoNameID: 2950159, Names: binding.Names{"en": "Berlin"}},
			Coordinates: &binding.Coordinates{Latitude: 52.5, Longitude: -13.4},
		},
		Generation: "g1",
	}
)

func recordedPolicy(t *testing.T) binding.Policy {
	t.Helper()
	groups, err := binding.NewASNGroups([]uint32{6805, 8881})
	require.NoError(t, err)
	exempt, err := binding.NewPrefixes(netip.MustParsePrefix("192.0.2.0/24"))
	require.NoError(t, err)
	var actions binding.Actions
	actions = actions.With(binding.Report, binding.NetworkASNChanged).With(binding.StepUp, binding.GeoIPCityChanged)
	return binding.Policy{
		GeoIP: binding.GeoIPCountry,
		Tolerance: binding.Tolerance{
			SameIP: binding.PrefixLengths{IPv4: 24, IPv6: 56}, Families: binding.FamiliesLearn, ASNGroups: groups, Exempt: exempt,
			Missing: binding.MissingSameClass, Local: binding.LocalHold, MaxMoves: 7,
		},
		Actions: actions,
	}
}

// recordedSessions returns the sessions of the golden files.
func recordedSessions(t *testing.T) map[string]session.Session {
	t.Helper()
	id, err := session.ParseID(idText)
	require.NoError(t, err)
	full := session.Session{
		ID: id, User: "ada", Name: "Ada \U0001F469", Method: "password", Stage: "login",
		Created: recorded, LastSeen: recorded.Add(1), IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "agent",
		Expires: recorded.Add(time.Hour), Idle: time.Minute, MaxAge: time.Hour, Policy: recordedPolicy(t), Anchor: recordedAt, KnownDevice: true,
		Drift: session.Drift{
			Second:     binding.Location{IP: netip.MustParseAddr("192.0.2.7"), ASN: &binding.ASN{}, Geo: &binding.Geo{}},
			Restricted: binding.GeoIPCityChanged, Moves: []time.Time{recorded, recorded.Add(1)}, Reported: []string{"a"},
		},
	}
	pending := full
	pending.Kind, pending.Policy, pending.Drift = session.KindPending, binding.Policy{}, session.Drift{}
	oldDevice := session.Session{
		ID: id, Kind: session.KindDevice, User: "mooring-device:ada", Name: "Ada", Stage: "login",
		Created: recorded, LastSeen: recorded, Expires: recorded.Add(time.Hour), MaxAge: time.Hour,
	}
	device := oldDevice
	device.User = "ada"
	telling := full
	telling.Policy.Network, telling.TellExpiry = binding.NetworkASNNetworkIP, 24*time.Hour
	proving := telling
	proving.Policy.Actions = binding.Always(binding.Prove)
	proving.Policy.Unproved = binding.Actions{}.With(binding.Report, binding.NetworkASNChanged).With(binding.StepUp, binding.GeoIPCityChanged)
	proved := full
	proved.AuthTime, proved.AMR, proved.ACR, proved.Actor, proved.Tenant = recorded.Add(-time.Hour), []string{"pwd", "otp"}, "aal2", "root", "acme"
	proved.Required, proved.Value, proved.Version = []string{"terms", "enrol"}, []byte(` {"a": "<1>"}`), 1<<53+1
	required := proved
	required.Drift = session.Drift{}
	carried := proved
	carried.Carrier = "cookie __Host-mooring"
	credentials := session.Session{ID: id, Kind: session.KindCredentials, User: "ada", Created: recorded, LastSeen: recorded, Expires: recorded.Add(time.Hour), Lineage: id, Value: []byte(`{"what":"password"}`)}
	bound := proving
	bound.Lineage = id
	bound.Drift.Key = devicekey.Key{Kind: devicekey.DBSC, Alg: devicekey.ES256, JWK: `{"crv":"P-256","kty":"EC","x":"<x>","y":"y"}`}
	bound.Drift.Proved = []string{"b", "c"}
	named := full
	named.Device, named.Resume = "Firefox on <Linux>", 30*time.Minute
	proof := session.Session{ID: id, Kind: session.KindProof, User: "ada", Created: recorded, LastSeen: recorded, Expires: recorded.Add(time.Minute)}
	return map[string]session.Session{
		"v1-carried": carried, "v2-credentials": credentials,
		"v1-proved": proved, "v1-required": required, "v1-bound": bound, "v1-named": named, "v2-proof": proof,
		"v1-session": full, "v1-least": {ID: id, User: "ada"}, "v1-pending": pending, "v1-device": oldDevice,
		"v1-telling": telling, "v1-proving": proving, "v1-pending-kind": pending, "v2-device": device,
	}
}

// What a release has written is read by this one and all later ones, and the latest
// forms are what this one writes.
func TestRecordsOfEveryRelease(t *testing.T) {
	written := map[string]bool{"v1-carried": true, "v2-credentials": true, "v1-bound": true, "v1-named": true, "v2-proof": true, "v1-telling": true, "v1-proving": true, "v1-pending-kind": true, "v2-device": true, "v1-session": true, "v1-least": true, "v1-proved": true, "v1-required": true}
	for name, want := range recordedSessions(t) {
		t.Run(name, func(t *testing.T) {
			text, err := session.EncodeRecord(want)
			require.NoError(t, err)
			file := filepath.Join("testdata", "records", name+".json")
			if _, err := os.Stat(file); *update && os.IsNotExist(err) {
				require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o600))
			}
			got, err := session.DecodeRecord(golden(t, name))
			require.NoError(t, err)
			requireSame(t, want, got)
			if written[name] {
				assert.JSONEq(t, string(golden(t, name)), string(text))
			}
			again, err := session.DecodeRecord(text)
			require.NoError(t, err)
			requireSame(t, want, again)
		})
	}
	ending, err := session.DecodeEnding(golden(t, "v1-ending"))
	require.NoError(t, err)
	want := session.Ending{
		Cause: session.CauseBroken, Time: recorded, Actor: "ada", Reason: binding.NetworkASNChanged,
		Client: netip.MustParseAddr("192.0.2.1"), Detail: []byte(`{ "a": "<1>" }`), Keep: recorded.Add(time.Hour), Journal: true,
	}
	require.Equal(t, want, ending)
	text, err := session.EncodeEnding(want)
	require.NoError(t, err)
	assert.JSONEq(t, string(golden(t, "v1-ending")), string(text))
}

// A field that is added to a session, or to what it is bound by, has its place in the
// record too.
func TestEveryFieldIsRecorded(t *testing.T) {
	s := recordedSessions(t)["v1-bound"]
	proved := recordedSessions(t)["v1-proved"]
	s.AuthTime, s.AMR, s.ACR, s.Actor, s.Tenant = proved.AuthTime, proved.AMR, proved.ACR, proved.Actor, proved.Tenant
	s.Required, s.Value, s.Version = proved.Required, proved.Value, proved.Version
	s.Device, s.Resume = "Firefox on Linux", time.Minute
	s.Carrier = "cookie __Host-mooring"
	s.StaySignedIn = true
	s.Kind, s.Policy.GeoIP = session.KindDevice, binding.GeoIPCity
	s.Anchor.Geo.Subdivision = "BE"
	s.Anchor.Geo.Country.Names = binding.Names{"en": "Germany"}
	s.Drift.Second = s.Anchor
	requireFull(t, reflect.ValueOf(s), "Session")
	text, err := session.EncodeRecord(s)
	require.NoError(t, err)
	got, err := session.DecodeRecord(text)
	require.NoError(t, err)
	requireSame(t, s, got)
}

// requireSame checks that two sessions are equal, and their lists, which are not
// comparable, have the same text.
func requireSame(t *testing.T, want, got session.Session) {
	t.Helper()
	for _, lists := range [][2]encoding.TextMarshaler{
		{want.Policy.ASNGroups, got.Policy.ASNGroups}, {want.Policy.Exempt, got.Policy.Exempt},
	} {
		wanted, err := lists[0].MarshalText()
		require.NoError(t, err)
		read, err := lists[1].MarshalText()
		require.NoError(t, err)
		require.Equal(t, string(wanted), string(read))
	}
	got.Policy.ASNGroups, got.Policy.Exempt = want.Policy.ASNGroups, want.Policy.Exempt
	require.Equal(t, want, got)
}

// requireFull checks that the test has set every exported field, however deep.
func requireFull(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer:
		require.False(t, v.IsNil(), path)
		requireFull(t, v.Elem(), path)
	case reflect.Struct:
		require.False(t, v.IsZero(), path)
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				requireFull(t, v.Field(i), path+"."+field.Name)
			}
		}
	default:
		require.False(t, v.IsZero(), "%s: set it here, and record it", path)
	}
}

// edited returns the record with a part set to another value, as a later release may write it.
func edited(t *testing.T, text []byte, value any, path ...string) []byte {
	t.Helper()
	var record map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&record))
	at := record
	for _, key := range path[:len(path)-1] {
		next, ok := at[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[key] = next
		}
		at = next
	}
	at[path[len(path)-1]] = value
	out, err := json.Marshal(record)
	require.NoError(t, err)
	return out
}

// A process of this release reads what the next one wrote, takes what it does not
// know for the strictest, and writes it back as it was.
func TestRecordsOfTheNextRelease(t *testing.T) {
	base := golden(t, "v1-telling")
	odd := json.RawMessage(`{"a":[1.50,"<\u0041>"]}`)
	for name, test := range map[string]struct {
		path  []string
		value any
		check func(t *testing.T, s session.Session)
	}{
		"a level of network binding": {[]string{"policy", "network"}, "bind_device", func(t *testing.T, s session.Session) {
			assert.Equal(t, binding.NetworkASNNetworkIP, s.Policy.Network)
		}},
		"a level of GeoIP binding": {[]string{"policy", "geoip"}, "bind_street", func(t *testing.T, s session.Session) {
			assert.Equal(t, binding.GeoIPCity, s.Policy.GeoIP)
		}},
		"lengths of prefixes": {[]string{"policy", "same_ip"}, "ipv4=8,ipv6=8", func(t *testing.T, s session.Session) {
			assert.Zero(t, s.Policy.SameIP)
		}},
		"a rule for families": {[]string{"policy", "families"}, "any", func(t *testing.T, s session.Session) {
			assert.Equal(t, binding.FamiliesStrict, s.Policy.Families)
		}},
		"groups of networks": {[]string{"policy", "asn_groups"}, "operator:o2", func(t *testing.T, s session.Session) {
			assert.Nil(t, s.Policy.ASNGroups)
		}},
		"exempt networks": {[]string{"policy", "exempt"}, "list:office", func(t *testing.T, s session.Session) {
			assert.Nil(t, s.Policy.Exempt)
		}},
		"a rule for missing facts": {[]string{"policy", "missing"}, "hold_if_it_rains", func(t *testing.T, s session.Session) {
			assert.Equal(t, binding.MissingBreak, s.Policy.Missing)
		}},
		"a rule for local addresses": {[]string{"policy", "local"}, "ask", func(t *testing.T, s session.Session) {
			assert.Equal(t, binding.LocalBreak, s.Policy.Local)
		}},
		"an action": {[]string{"policy", "actions"}, "network.asn=mail,geoip.city=report", func(t *testing.T, s session.Session) {
			assert.Equal(t, binding.End, s.Policy.Actions.For(binding.NetworkASNChanged))
			assert.Equal(t, binding.Report, s.Policy.Actions.For(binding.GeoIPCityChanged), "one that is known counts")
		}},
		"an action for a reason": {[]string{"policy", "actions"}, "device.key=report,geoip.city=report", func(t *testing.T, s session.Session) {
			assert.Equal(t, binding.Report, s.Policy.Actions.For(binding.GeoIPCityChanged))
			assert.Equal(t, binding.End, s.Policy.Actions.For(binding.NetworkASNChanged))
		}},
		"an action for all": {[]string{"policy", "actions"}, "*=mail,geoip.city=report", func(t *testing.T, s session.Session) {
			assert.Equal(t, binding.End, s.Policy.Actions.For(binding.NetworkASNChanged))
		}},
		"an action where there is no key": {[]string{"policy", "unproved"}, "network.asn=mail,geoip.city=report", func(t *testing.T, s session.Session) {
			assert.Equal(t, binding.End, s.Policy.Unproved.For(binding.NetworkASNChanged))
			assert.Equal(t, binding.Report, s.Policy.Unproved.For(binding.GeoIPCityChanged))
		}},
		"a kind of device key": {[]string{"drift", "key"}, map[string]any{"kind": "passkey", "alg": "ML-DSA-44", "jwk": "{}", "attested": true}, func(t *testing.T, s session.Session) {
			assert.Equal(t, devicekey.Key{Kind: "passkey", Alg: "ML-DSA-44", JWK: "{}"}, s.Drift.Key, "the session has a key all the same")
		}},
		"a reason to restrict": {[]string{"drift", "restricted"}, "device.key", func(t *testing.T, s session.Session) {
			assert.Equal(t, binding.Reason("device.key"), s.Drift.Restricted, "any reason restricts")
		}},
		"a kind": {[]string{"kind"}, "ticket", func(t *testing.T, s session.Session) {
			assert.Equal(t, session.Kind("ticket"), s.Kind)
		}},
		"a field":               {[]string{"device_key"}, odd, nil},
		"a field of the policy": {[]string{"policy", "prove"}, odd, nil},
		"a field of the anchor": {[]string{"anchor", "geo", "city", "quarter"}, odd, nil},
		"a field of the drift":  {[]string{"drift", "proofs"}, odd, nil},
	} {
		t.Run(name, func(t *testing.T) {
			text := edited(t, base, test.value, test.path...)
			s, err := session.DecodeRecord(text)
			require.NoError(t, err)
			if test.check != nil {
				test.check(t, s)
			}
			back, err := session.EncodeRecord(s)
			require.NoError(t, err)
			if len(test.path) == 1 && test.path[0] == "kind" {
				back = edited(t, back, json.Number("1"), "v") // it is understood, and so written as this release does
			}
			assert.JSONEq(t, string(text), string(back), "written back unchanged")

			s.Apply(session.Seen{Time: recorded.Add(time.Minute), Drift: session.Drift{Moves: []time.Time{recorded.Add(time.Minute)}}}, recorded.Add(time.Hour))
			s.Policy.MaxMoves = 9
			back, err = session.EncodeRecord(s)
			require.NoError(t, err)
			again, err := session.DecodeRecord(back)
			require.NoError(t, err)
			assert.Equal(t, s.LastSeen, again.LastSeen, "what changed is written")
			assert.Equal(t, s.Drift, again.Drift)
			assert.Equal(t, s.Policy.MaxMoves, again.Policy.MaxMoves)
			assert.Equal(t, s.Policy.Network, again.Policy.Network)
			assert.Equal(t, part(t, text, test.path...), part(t, back, test.path...), "and what is not known is as it was, to the byte")
		})
	}
}

// part returns a part of a record as it is written.
func part(t *testing.T, text []byte, path ...string) string {
	t.Helper()
	for _, key := range path {
		if text == nil {
			return ""
		}
		var fields map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(text, &fields))
		text = fields[key]
	}
	return string(text)
}

// A change replaces what a later release wrote there.
func TestAChangeWinsOverWhatIsNotKnown(t *testing.T) {
	s, err := session.DecodeRecord(edited(t, golden(t, "v1-telling"), "bind_device", "policy", "network"))
	require.NoError(t, err)
	s.Policy.Network = binding.NetworkASN
	s.Name = ""
	text, err := session.EncodeRecord(s)
	require.NoError(t, err)
	assert.Equal(t, `"bind_asn"`, part(t, text, "policy", "network"))
	assert.Empty(t, part(t, text, "name"), "what was taken away is gone")
}

func TestEndingsOfTheNextRelease(t *testing.T) {
	for name, test := range map[string]struct {
		value any
		path  string
	}{
		"a cause": {"quarantined", "cause"}, "a reason": {"device.key", "reason"}, "a field": {map[string]any{"a": "<1>"}, "proof"},
	} {
		t.Run(name, func(t *testing.T) {
			text := edited(t, golden(t, "v1-ending"), test.value, test.path)
			e, err := session.DecodeEnding(text)
			require.NoError(t, err)
			back, err := session.EncodeEnding(e)
			require.NoError(t, err)
			assert.JSONEq(t, string(text), string(back))
			e.Actor = "bob"
			back, err = session.EncodeEnding(e)
			require.NoError(t, err)
			assert.Equal(t, part(t, text, test.path), part(t, back, test.path))
			assert.Equal(t, `"bob"`, part(t, back, "actor"))
		})
	}
}

// A process that does not know what is required admits the session as little as one
// that does.
func TestARecordThatRequiresIsRestrictedToAnEarlierRelease(t *testing.T) {
	s := recordedSessions(t)["v1-required"]
	text, err := session.EncodeRecord(s)
	require.NoError(t, err)
	assert.Equal(t, `"required"`, part(t, text, "drift", "restricted"), "any reason restricts")
	require.NoError(t, s.Update(session.Update{Version: s.Version, Complete: s.Required}))
	text, err = session.EncodeRecord(s)
	require.NoError(t, err)
	assert.Empty(t, part(t, text, "drift", "restricted"))
	s.Drift.Restricted = binding.GeoIPCityChanged
	s.Required = []string{"terms"}
	text, err = session.EncodeRecord(s)
	require.NoError(t, err)
	assert.Equal(t, `"geoip.city"`, part(t, text, "drift", "restricted"), "what restricts it besides stays")
}

func TestRecordRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":        ``,
		"no JSON":        `{"v":1`,
		"no version":     `{"id":"x"}`,
		"newer version":  `{"v":3}`,
		"newer, unknown": `{"v":3,"id":7,"later":1}`,
		"no ID":          `{"v":1,"user":"ada"}`,
		"another form":   `{"v":1,"user":7}`,
		"two values":     `{"v":1} {"v":1}`,
		"an array":       `[1]`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := session.DecodeRecord([]byte(text))
			require.ErrorIs(t, err, session.ErrRecord)
			_, err = session.DecodeEnding([]byte(text))
			require.ErrorIs(t, err, session.ErrRecord)
		})
	}
}

func FuzzDecodeRecord(f *testing.F) {
	for _, name := range []string{"v1-session", "v1-proved", "v1-required", "v1-least", "v1-pending", "v1-device", "v2-device"} {
		f.Add(golden(f, name))
	}
	f.Add([]byte(`{"v":1,"anchor":{"geo":{}},"drift":{"moves":[1]}}`))
	f.Add([]byte(`{"v":1,"id":"` + idText + `","user":"ada","user":"bob","User":"carol","created":0,"seen":0,"expires":0,"new":{"a":1}}`))
	f.Add([]byte(`{"v":1,"id":"` + idText + `","user":"ada","policy":{"network":"bind_device","actions":"*=x"},"drift":{"new":1}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := session.DecodeRecord(text)
		if err != nil {
			require.ErrorIs(t, err, session.ErrRecord)
			return
		}
		again, err := session.EncodeRecord(s)
		require.NoError(t, err)
		back, err := session.DecodeRecord(again)
		require.NoError(t, err)
		again, err = session.EncodeRecord(back)
		require.NoError(t, err)
		last, err := session.DecodeRecord(again)
		require.NoError(t, err)
		requireSame(t, back, last)

		s.Name += "x"
		again, err = session.EncodeRecord(s)
		require.NoError(t, err)
		back, err = session.DecodeRecord(again)
		require.NoError(t, err)
		require.Equal(t, s.User, back.User)
		require.Equal(t, s.Policy.Network, back.Policy.Network)
		require.Equal(t, s.Policy.Actions, back.Policy.Actions)
		require.Equal(t, s.Policy.Unproved, back.Policy.Unproved)
		require.Equal(t, s.Kind, back.Kind)
	})
}

// Session.Validate allows the first instant of 1970 too, as clocks of tests begin with,
// which records have no other way to say than a zero time.
func TestASessionOfTheEpochCanBeRead(t *testing.T) {
	epoch := time.Unix(0, 0).UTC()
	s := session.Session{ID: session.NewToken("ada").ID(), User: "ada", Created: epoch, LastSeen: epoch, Expires: epoch.Add(time.Hour), AuthTime: epoch}
	require.NoError(t, s.Validate())
	text, err := session.EncodeRecord(s)
	require.NoError(t, err)
	read, err := session.DecodeRecord(text)
	require.NoError(t, err)
	for name, at := range map[string]time.Time{"Created": read.Created, "LastSeen": read.LastSeen, "AuthTime": read.AuthTime} {
		require.WithinDuration(t, epoch, at, time.Nanosecond, name)
	}
}

// An ending that is to be kept for longer than times go is kept for as long as they go.
func TestEndingKeptBeyondAllTimes(t *testing.T) {
	ending := session.Ending{Cause: session.CauseRevoked, Time: time.Unix(1_700_000_000, 0).UTC(), Journal: true}
	for keep, want := range map[time.Time]time.Time{
		time.Date(2316, 1, 1, 0, 0, 0, 0, time.UTC): time.Unix(0, math.MaxInt64).UTC(),
		time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC): time.Unix(0, math.MinInt64).UTC(),
	} {
		ending.Keep = keep
		text, err := session.EncodeEnding(ending)
		require.NoError(t, err)
		read, err := session.DecodeEnding(text)
		require.NoError(t, err)
		require.Equal(t, want, read.Keep)
	}
}
