package nearcache

import (
	"reflect"
	"time"
	"unsafe"

	"github.com/mooring-go/mooring/session"
)

// perEntry is what an entry takes besides what its session points to: itself, and its
// place in the map.
const perEntry = int64(unsafe.Sizeof(entry{})) + 2*int64(unsafe.Sizeof(session.ID{})+8)

// size estimates the bytes that a session takes when it is kept. What it shares with
// others counts for each. It looks at every field, so that one that is new counts too.
func size(s session.Session) int64 { return perEntry + pointedTo(reflect.ValueOf(s)) }

// perPointer and perPair are what an allocation takes besides what is in it, and what a
// map takes for each of its pairs.
const (
	perPointer = 16
	perPair    = 32
)

var location = reflect.TypeFor[*time.Location]() // which all times share

// pointedTo returns how many bytes v points to.
func pointedTo(v reflect.Value) (n int64) {
	switch v.Kind() {
	case reflect.String:
		n = int64(v.Len())
	case reflect.Slice:
		n = int64(v.Len()) * int64(v.Type().Elem().Size())
		if holdsPointers(v.Type().Elem()) {
			for i := range v.Len() {
				n += pointedTo(v.Index(i))
			}
		}
	case reflect.Map:
		for pairs := v.MapRange(); pairs.Next(); {
			n += perPair + pointedTo(pairs.Key()) + pointedTo(pairs.Value())
		}
		n += int64(v.Len()) * int64(v.Type().Key().Size()+v.Type().Elem().Size())
	case reflect.Pointer:
		if v.IsNil() || v.Type() == location {
			return 0
		}
		n = perPointer + int64(v.Type().Elem().Size()) + pointedTo(v.Elem())
	case reflect.Interface:
		if !v.IsNil() {
			n = perPointer + int64(v.Elem().Type().Size()) + pointedTo(v.Elem())
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			n += pointedTo(field)
		}
	case reflect.Array:
		if holdsPointers(v.Type().Elem()) {
			for i := range v.Len() {
				n += pointedTo(v.Index(i))
			}
		}
	default: // a number
	}
	return n
}

// holdsPointers reports whether values of the type may point to something.
func holdsPointers(t reflect.Type) bool {
	return t.Kind() > reflect.Complex128 // the numbers come first
}
