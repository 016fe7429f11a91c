package maxmind

import "sync/atomic"

// slots is how many records a cache holds, a power of two.
const slots = 1 << 12

// A cache holds decoded records of one database. Each has one slot that it may
// be in; what was there before is dropped. It is safe for concurrent use, never
// blocks, and the zero value is empty.
type cache[K comparable, V any] struct {
	slots [slots]atomic.Pointer[cached[K, V]]
}

type cached[K comparable, V any] struct {
	key   K
	value V
}

// get returns what is held for key, or nil.
func (c *cache[K, V]) get(hash uint64, key K) *V {
	if held := c.slot(hash).Load(); held != nil && held.key == key {
		return &held.value
	}
	return nil
}

// put holds value for key.
func (c *cache[K, V]) put(hash uint64, key K, value V) *V {
	held := &cached[K, V]{key, value}
	c.slot(hash).Store(held)
	return &held.value
}

// slot picks one by the upper bits of the product, which all bits of hash reach.
func (c *cache[K, V]) slot(hash uint64) *atomic.Pointer[cached[K, V]] {
	const golden = 0x9E3779B97F4A7C15 // 2^64 / golden ratio: Fibonacci hashing
	return &c.slots[hash*golden/(1<<64/slots)]
}
