package replay

import (
	"cmp"
	"fmt"
	"slices"
)

// counter counts how often something came up under each policy. What comes up
// under one comes up under the next too, so all policies share a row.
type counter[K comparable] struct {
	rows map[K]*row
	key  K // of the row that was used last
	last *row
}

type row [MaxPolicies]uint32

func (c *counter[K]) add(key K, policy int) {
	if c.last == nil || c.key != key {
		c.key, c.last = key, c.rows[key]
		if c.last == nil {
			if c.rows == nil {
				c.rows = map[K]*row{}
			}
			c.last = new(row)
			c.rows[key] = c.last
		}
	}
	c.last[policy]++
}

// Count is how often something came up.
type Count[T any] struct {
	Of    T   `json:"of"`
	Times int `json:"times"`
}

// top returns what came up most under the policy, up to n. What came up equally often is in
// a fixed order.
func top[K comparable, T any](c *counter[K], policy, n int, of func(K) T) []Count[T] {
	var times []uint32
	for _, row := range c.rows {
		if row[policy] > 0 {
			times = append(times, row[policy])
		}
	}
	slices.Sort(times)
	least := uint32(1)
	if len(times) > n {
		least = times[len(times)-n]
	}
	all := []Count[T]{}
	for key, row := range c.rows {
		if row[policy] >= least {
			all = append(all, Count[T]{of(key), int(row[policy])})
		}
	}
	slices.SortFunc(all, func(a, b Count[T]) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(fmt.Sprint(a.Of), fmt.Sprint(b.Of)))
	})
	return all[:min(n, len(all))]
}
