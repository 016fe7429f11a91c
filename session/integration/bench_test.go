package integration

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/sqlstore"
)

// atOnce is how many goroutines ask at the same time, for each of two CPUs.
const atOnce = 8

// BenchmarkGet compares Get with the same SELECT, prepared, and nothing done
// with what it returns.
func BenchmarkGet(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			db := e.open(b)
			store, table := e.store(b, db)
			var sessions []session.Session
			for range 1000 {
				s := newSession("ada")
				_, err := store.Start(b.Context(), s, session.Replace{})
				require.NoError(b, err)
				sessions = append(sessions, s)
			}
			mark := "?"
			if e.dialect == sqlstore.PostgreSQL {
				mark = "$1"
			}
			raw, err := db.PrepareContext(b.Context(), "SELECT record, last_seen, ip, ending FROM "+e.quote(table)+" WHERE id = "+mark)
			require.NoError(b, err)
			defer func() { _ = raw.Close() }()
			for name, get := range map[string]func(session.ID) error{
				"raw": func(id session.ID) error {
					var record, ending []byte
					var seen int64
					var ip string
					return raw.QueryRowContext(b.Context(), id.String()).Scan(&record, &seen, &ip, &ending)
				},
				"store": func(id session.ID) error {
					_, err := store.Get(b.Context(), id)
					return err
				},
			} {
				b.Run(name, func(b *testing.B) {
					b.ReportAllocs()
					b.SetParallelism(atOnce)
					b.RunParallel(func(pb *testing.PB) {
						for i := 0; pb.Next(); i++ {
							if err := get(sessions[i%len(sessions)].ID); err != nil {
								b.Error(err)
								return
							}
						}
					})
				})
			}
		})
	}
}

func BenchmarkTouch(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			store, _ := e.store(b, e.open(b))
			s := newSession("ada")
			_, err := store.Start(b.Context(), s, session.Replace{})
			require.NoError(b, err)
			b.ReportAllocs()
			for i := 1; b.Loop(); i++ {
				if err := store.Touch(b.Context(), s.ID, session.Seen{Time: now.Add(time.Duration(i)), IP: s.IP}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSignIn is a sign-in that ends the user's other session.
func BenchmarkSignIn(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			store, _ := e.store(b, e.open(b))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := store.Start(b.Context(), newSession("ada"), session.Replace{Others: true, Ending: newEnding("")}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
