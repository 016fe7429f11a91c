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
	sets [sets]set[K, V]
}

// A set has the tags of its records beside each other, so that a record is not looked at
// in vain: among many addresses each look is one that the processor's caches miss. A tag
// and its record change one after the other, so that the key decides.
type set[K comparable, V any] struct {
	tags [ways]atomic.Uint32
	held [ways]atomic.Pointer[cached[K, V]]
}

type cached[K comparable, V any] struct {
	key   K
	value V
}

// get returns what is held for key, or nil.
func (c *cache[K, V]) get(hash uint64, key K) *V {
	set, tag := c.set(hash)
	for i := range set.tags {
		if set.tags[i].Load() == tag {
			if held := set.held[i].Load(); held != nil && held.key == key {
				return &held.value
			}
		}
	}
	return nil
}

// put holds value for key.
func (c *cache[K, V]) put(hash uint64, key K, value V) *V {
	put := &cached[K, V]{key, value}
	set, tag := c.set(hash)
	next := put
	for i := range set.held {
		next = set.held[i].Swap(next) // the last one is dropped
		tag = set.tags[i].Swap(tag)
	}
	return &put.value
}

// set picks one by the upper bits of the product, which all bits of hash reach. The tag is
// of lower ones.
func (c *cache[K, V]) set(hash uint64) (*set[K, V], uint32) {
	const golden = 0x9E3779B97F4A7C15 // 2^64 / golden ratio: Fibonacci hashing
	product := hash * golden
	return &c.sets[product/(1<<64/sets)], uint32(product >> 16)
}
