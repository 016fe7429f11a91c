package sqlstore

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTurnsComeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waiting turns
		first, err := waiting.take(t.Context(), 1)
		require.NoError(t, err)
		var order []int
		for i := range 5 {
			go func() {
				end, err := waiting.take(t.Context(), 1)
				assert.NoError(t, err)
				order = append(order, i)
				end()
			}()
			synctest.Wait() // it waits
		}
		other, err := waiting.take(t.Context(), 2)
		require.NoError(t, err, "others do not wait")
		other()
		assert.Empty(t, order)
		first()
		synctest.Wait()
		assert.Equal(t, []int{0, 1, 2, 3, 4}, order)
		assert.Empty(t, waiting.taken, "nothing is left of it")
	})
}

func TestAContextEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waiting turns
		first, err := waiting.take(t.Context(), 1)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() {
			_, err := waiting.take(ctx, 1)
			gone <- err
		}()
		synctest.Wait()
		cancel()
		assert.ErrorIs(t, <-gone, context.Canceled)
		first()
		again, err := waiting.take(t.Context(), 1)
		require.NoError(t, err)
		again()
		assert.Empty(t, waiting.taken)
	})
}
