package nearcache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
	"github.com/mooring-go/mooring/session/nearcache"
)

func Example() {
	store := memstore.New() // in production a store that is far away
	cache, err := nearcache.New(store, nearcache.Config{MaxStale: time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	told := make(chan session.Change, 8)
	go func() { _ = cache.Watch(ctx, 0, func(c session.Change) { told <- c }) }()
	<-told // connected: from now on sessions are kept

	manager, err := session.NewManager(session.Config{Store: cache})
	if err != nil {
		fmt.Println(err)
		return
	}
	token, s, err := manager.Issue(ctx, session.Session{User: "ada", Expires: time.Now().Add(time.Hour)}, session.Replace{})
	fmt.Println(s.User, err)
	_, err = manager.Authenticate(ctx, token) // asks the store
	fmt.Println(err)
	_, err = manager.Authenticate(ctx, token) // does not
	fmt.Println(err)

	// Another process ends the session.
	_, err = store.End(ctx, s.ID, session.Ending{Cause: session.CauseRevoked, Time: time.Now(), Keep: time.Now().Add(time.Hour)})
	fmt.Println(err)
	for change := range told {
		if change.Kind == session.ChangeEnded {
			break
		}
	}
	_, err = manager.Authenticate(ctx, token)
	fmt.Println(err != nil)
	// Output:
	// ada <nil>
	// <nil>
	// <nil>
	// <nil>
	// true
}
