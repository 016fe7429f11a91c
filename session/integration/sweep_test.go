package integration

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
)

// It takes several transactions, and several processes do it at once.
func TestSweepOfManyRows(t *testing.T) {
	eachHeavy(t, func(t *testing.T, e engine) {
		db := e.open(t)
		store, table := e.store(t, db)
		const n = 3000
		_, err := store.Start(t.Context(), overdue("late"), session.Replace{}) // and one
		require.NoError(t, err)
		e.fill(t, db, table, crowd{n: n, until: now})
		sweep := func(at time.Time, want int) {
			t.Helper()
			var total atomic.Int64
			var running sync.WaitGroup
			for range 4 {
				running.Go(func() {
					swept, err := store.Sweep(t.Context(), at)
					assert.NoError(t, err)
					total.Add(int64(swept.Forgotten))
				})
			}
			running.Wait()
			require.EqualValues(t, want, total.Load())
		}
		count := func(table string) (rows int) {
			t.Helper()
			require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+e.quote(table)).Scan(&rows))
			return rows
		}
		sweep(now.Add(-time.Hour), 1)
		sweep(now.Add(-time.Second), n/2) // the ended ones; the others were used since
		require.Equal(t, n/2, count(table))
		require.Zero(t, count(table+"_journal"), "endings go with their sessions")
		require.Zero(t, count(table+"_queue"))
		sweep(now, n/2)
		require.Zero(t, count(table))
	})
}
