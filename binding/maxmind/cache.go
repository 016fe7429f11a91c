package maxmind

import "sync/atomic"

// How many records a cache holds: ways for each of the sets, a power of two.
const (
	sets = 1 << 14
	ways = 2
)

// A cache holds decoded records of one database. Each has one set that it may be
// in; the records that were put there last stay. It is safe for
// concurrent use, never blocks, and the zero value is empty.
type cache[K comparable, V any] struct {
	sets [sets][ways]atomic.Pointer[cached[K, V]]
}

type cached[K comparable, V any] struct {
	key   K
	value V
}

// get returns what is held for key, or nil.
func (c *cache[K, V]) get(hash uint64, key K) *V {
	set := c.set(hash)
	for i := range set {
		if held := set[i].Load(); held != nil && held.key == key {
			return &held.value
		}
	}
	return nil
}

// put holds value for key.
func (c *cache[K, V]) put(hash uint64, key K, value V) *V {
	put := &cached[K, V]{key, value}
	set, next := c.set(hash), put
	for i := range set {
		next = set[i].Swap(next) // the last one is dropped
	}
	return &put.value
}

// set picks one by the upper bits of the product, which all bits of hash reach.
func (c *cache[K, V]) set(hash uint64) *[ways]atomic.Pointer[cached[K, V]] {
	const golden = 0x9E3779B97F4A7C15 // 2^64 / golden ratio: Fibonacci hashing
	return &c.sets[hash*golden/(1<<64/sets)]
}
