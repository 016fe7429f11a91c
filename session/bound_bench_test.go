package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// outside is a store that is not in memory, so that loads are bounded. It asks the
// context what a driver asks it.
type outside struct{ session.Store }

func (o outside) Get(ctx context.Context, id session.ID) (session.Session, error) {
	if _, ok := ctx.Deadline(); !ok || ctx.Err() != nil {
		return session.Session{}, errOut
	}
	select {
	case <-ctx.Done():
		return session.Session{}, ctx.Err()
	default:
	}
	return o.Store.Get(ctx, id)
}

// BenchmarkBoundLoad has what a deadline of a load costs: shared, and one's own.
func BenchmarkBoundLoad(b *testing.B) {
	manager, err := session.NewManager(session.Config{Store: outside{memstore.New()}})
	if err != nil {
		b.Fatal(err)
	}
	request, cancel := context.WithCancel(b.Context()) // as net/http's is
	defer cancel()
	token, s, err := manager.Issue(request, session.Session{User: "ada", Expires: time.Now().Add(time.Hour)}, session.Replace{})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("shared", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := manager.Authenticate(request, token); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := manager.Get(request, s.ID, session.KindSession); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
