package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// connector is a database whose connections come of a function.
type connector func(context.Context) (driver.Conn, error)

func (c connector) Connect(ctx context.Context) (driver.Conn, error) { return c(ctx) }
func (connector) Driver() driver.Driver                              { return nil }

func storeOver(t *testing.T, c connector) *sqlstore.Store {
	store, err := sqlstore.New(sql.OpenDB(c), sqlstore.Config{Dialect: sqlstore.PostgreSQL})
	require.NoError(t, err)
	return store
}

// The server of a host goes on when the driver of its database panics.
func TestADriverThatPanicsIsAnError(t *testing.T) {
	store := storeOver(t, func(context.Context) (driver.Conn, error) { panic("out of order") })
	_, err := store.Get(t.Context(), session.NewToken("ada").ID())
	assert.ErrorContains(t, err, "sqlstore: get: the driver panicked: out of order")
	_, err = store.Get(context.Background(), session.NewToken("ada").ID())
	assert.ErrorContains(t, err, "out of order", "even where nothing is to end it")
}

func TestADriverThatHangsIsLeftWaiting(t *testing.T) {
	hangs := make(chan struct{})
	defer close(hangs)
	store := storeOver(t, func(context.Context) (driver.Conn, error) {
		<-hangs
		return nil, driver.ErrBadConn
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := store.Get(ctx, session.NewToken("ada").ID())
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}
