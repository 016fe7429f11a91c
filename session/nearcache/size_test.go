package nearcache

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
)

// Whatever field of a session holds more, the session counts for more.
func TestEveryFieldCounts(t *testing.T) {
	const much = 10_000
	text := strings.Repeat("x", much)
	var fill func(v reflect.Value) bool // reports whether it could
	fill = func(v reflect.Value) bool {
		switch {
		case v.Kind() == reflect.String:
			v.SetString(text)
		case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
			v.SetBytes([]byte(text))
		case v.Kind() == reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			return fill(v.Index(0))
		case v.Type() == reflect.TypeFor[binding.Names]():
			v.Set(reflect.ValueOf(binding.Names{"en": text}))
		default:
			return false
		}
		return true
	}
	filled := 0
	var walk func(name string, v reflect.Value, whole *session.Session)
	walk = func(name string, v reflect.Value, whole *session.Session) {
		switch {
		case !v.CanSet():
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				walk(name+"."+v.Type().Field(i).Name, v.Field(i), whole)
			}
		case v.Kind() == reflect.Pointer && !v.IsNil():
			walk(name, v.Elem(), whole)
		default:
			before := reflect.New(v.Type()).Elem()
			before.Set(v)
			without := size(*whole)
			if fill(v) {
				filled++
				assert.GreaterOrEqual(t, size(*whole)-without, int64(much), name)
			}
			v.Set(before)
		}
	}
	whole := session.Session{
		IP:     netip.MustParseAddr("2001:db8::1%eth0"),
		Anchor: binding.Location{ASN: &binding.ASN{}, Geo: &binding.Geo{}}, Drift: session.Drift{Second: binding.Location{Geo: &binding.Geo{}}},
	}
	walk("Session", reflect.ValueOf(&whole).Elem(), &whole)
	require.Greater(t, filled, 20)
}
