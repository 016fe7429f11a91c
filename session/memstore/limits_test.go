package memstore

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever is added, moved and removed, the first limit is the earliest, and each entry
// knows its place.
func TestTheFirstLimitIsTheEarliest(t *testing.T) {
	var l limits
	want := map[*entry]time.Time{}
	begin := time.Now()
	at := func() time.Time { return begin.Add(time.Duration(rand.IntN(50))) } // many are equal
	for range 20_000 {
		var any *entry
		for any = range want {
			break
		}
		switch choice := rand.IntN(5); {
		case any == nil || choice < 2:
			e, limit := &entry{}, at()
			l.add(e, limit)
			want[e] = limit
		case choice == 2:
			want[any] = at()
			l.move(any, want[any])
		case choice == 3:
			l.remove(any)
			delete(want, any)
		default:
			first := l[0]
			for _, other := range want {
				require.False(t, other.Before(first.at))
			}
			require.Equal(t, want[first.entry], first.at)
			require.Equal(t, l.due(begin.Add(25)), !first.at.After(begin.Add(25)))
			l.remove(first.entry)
			delete(want, first.entry)
		}
		require.Len(t, l, len(want))
		if len(l) > 200 {
			l.remove(l[len(l)-1].entry)
			clear(want)
			for _, one := range l {
				want[one.entry] = one.at
			}
		}
	}
	for i, one := range l {
		require.EqualValues(t, i, one.entry.place)
		require.Equal(t, want[one.entry], one.at)
	}
	require.False(t, limits(nil).due(begin))
}
