// Package sessiontest checks implementations of [session.Store] and
// [session.Carrier] against their contracts. Call RunStore or RunCarrier from a
// test of the implementation:
//
//	func TestStore(t *testing.T) {
//		sessiontest.RunStore(t, func(t *testing.T) session.Store { return open(t) })
//	}
//
// Every rule is a subtest of its own on a store or carrier of its own, and one
// that fails says what the rule is. The repository's docs/stores.md says how to write a
// store; smallest_test.go, beside this package, is one of 150 lines that passes.
//
// # What stays compatible
//
// A later release may add rules for what the contract says already, so an
// implementation that passes today may fail then. The changelog names new rules.
package sessiontest
