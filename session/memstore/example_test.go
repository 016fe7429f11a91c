package memstore_test

import (
	"context"
	"fmt"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

func Example() {
	ctx := context.Background()
	store := memstore.New()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

	token := session.NewToken("ada")
	_, err := store.Start(ctx, session.Session{
		ID: token.ID(), User: "ada", Created: now, LastSeen: now, Expires: now.Add(12 * time.Hour),
	}, session.Replace{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := store.Get(ctx, token.ID())
	fmt.Println(s.User, err)

	_, err = store.End(ctx, token.ID(), session.Ending{
		Cause: session.CauseSignedOut, Time: now.Add(time.Minute), Keep: now.Add(24 * time.Hour),
	})
	fmt.Println(err)
	_, err = store.Get(ctx, token.ID())
	fmt.Println(err)
	// Output:
	// ada <nil>
	// <nil>
	// session: ended at 2026-11-24T09:01:00Z: signed_out
}
