// Package sessiontest checks implementations of [session.Store] and
// [session.Carrier] against their contracts. Call RunStore or RunCarrier from a
// test of the implementation:
//
//	func TestStore(t *testing.T) {
//		sessiontest.RunStore(t, func(t *testing.T) session.Store { return open(t) })
//	}
//
// Every rule is a subtest of its own on a store or carrier of its own, and one
// that fails says what the rule is.
package sessiontest
