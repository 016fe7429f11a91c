package redisstore_test

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mooring-go/mooring/binding"
	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/internal/redistest"
)

// located returns a session with an anchor of common size.
func located(user string) session.Session {
	s := newSession(user)
	s.UserAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0"
	s.IP = netip.MustParseAddr("192.0.2.1")
	s.Policy = binding.Policy{Network: binding.NetworkASN, GeoIP: binding.GeoIPCountry}
	s.Anchor = binding.Location{
		IP:  s.IP,
		ASN: &binding.ASN{Number: 64496, Organization: "Example Telecom", Network: netip.MustParsePrefix("192.0.2.0/24")},
		Geo: &binding.Geo{
			Continent: binding.Continent{Code: "EU", GeoNameID: 6255148, Names: binding.Names{"en": "Europe"}},
			Country:   binding.Country{ISOCode: "DE", GeoNameID: 2921044, Names: binding.Names{"en": "Germany"}},
			City:      binding.City{GeoNameID: 2950159, Names: binding.Names{"en": "Berlin"}},
		},
		Generation: "2026-11-20",
	}
	return s
}

// BenchmarkGet compares Get with the client's own GET of the same value.
func BenchmarkGet(b *testing.B) {
	client := shared(b, func(o *redis.Options) { o.PoolSize = 32 })
	store, prefix := open(b, client)
	const n = 64
	var ids []session.ID
	var names []string
	for i := range n {
		s := located(fmt.Sprint("user ", i))
		if _, err := store.Start(b.Context(), s, session.Replace{}); err != nil {
			b.Fatal(err)
		}
		ids = append(ids, s.ID)
		names = append(names, prefix+":{"+s.ID.Shard()+"}:s:"+s.ID.String())
	}
	for _, goroutines := range []int{1, 16} {
		for name, get := range map[string]func(context.Context, int) error{
			"raw":   func(ctx context.Context, i int) error { return client.Get(ctx, names[i%n]).Err() },
			"store": func(ctx context.Context, i int) error { _, err := store.Get(ctx, ids[i%n]); return err },
		} {
			b.Run(fmt.Sprintf("%s/goroutines=%d", name, goroutines), func(b *testing.B) {
				b.ReportAllocs()
				each(b, goroutines, get)
			})
		}
	}
}

// each calls do b.N times, from the given number of goroutines.
func each(b *testing.B, goroutines int, do func(context.Context, int) error) {
	var next atomic.Int64
	var running sync.WaitGroup
	b.ResetTimer()
	for range goroutines {
		running.Go(func() {
			for {
				i := int(next.Add(1))
				if i > b.N {
					return
				}
				if err := do(b.Context(), i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
}

func BenchmarkStep(b *testing.B) {
	store, _ := open(b, shared(b))
	for name, do := range map[string]func(i int) error{
		"Start": func(i int) error {
			_, err := store.Start(b.Context(), located("ada"), session.Replace{Others: true, Ending: newEnding("")})
			return err
		},
		"List":       func(int) error { _, err := store.List(b.Context(), "ada"); return err },
		"Lease none": func(int) error { _, err := store.Lease(b.Context(), time.Minute, 10); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := do(i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	touched := located("bob")
	if _, err := store.Start(b.Context(), touched, session.Replace{}); err != nil {
		b.Fatal(err)
	}
	b.Run("Touch", func(b *testing.B) {
		b.ReportAllocs()
		at := now
		for b.Loop() {
			at = at.Add(1)
			if err := store.Touch(b.Context(), touched.ID, session.Seen{Time: at, IP: touched.IP}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPerTenant is the sign-in of a user who has many sessions in many tenants, to one
// of them, which has as many as are allowed.
func BenchmarkPerTenant(b *testing.B) {
	for _, size := range []struct{ sessions, tenants int }{{100, 1}, {100, 10}, {20_000, 200}} {
		b.Run(fmt.Sprintf("sessions=%d/tenants=%d", size.sessions, size.tenants), func(b *testing.B) {
			store, _ := open(b, dial(b, redistest.Run(b).Addr, func(o *redis.Options) { o.PoolSize = 8 }))
			of := func(i int) session.Session {
				s := located("ada")
				s.Tenant = fmt.Sprint("tenant ", i%size.tenants)
				s.Created = now.Add(time.Duration(i))
				return s
			}
			var next atomic.Int64
			var running sync.WaitGroup
			for range 8 {
				running.Go(func() {
					for i := int(next.Add(1)); i <= size.sessions; i = int(next.Add(1)) {
						if _, err := store.Start(b.Context(), of(i), session.Replace{}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			running.Wait()
			replace := session.Replace{Max: size.sessions / size.tenants, PerTenant: true, Ending: newEnding("")}
			signIn := func(i int) {
				ended, err := store.Start(b.Context(), of(i), replace)
				if err != nil || len(ended) != 1 {
					b.Fatal(len(ended), err)
				}
			}
			begin := time.Now()
			signIn(size.sessions + 1)
			first := time.Since(begin)
			b.ReportAllocs()
			for i := size.sessions + 2; b.Loop(); i++ {
				signIn(i)
			}
			b.ReportMetric(float64(first.Microseconds())/1000, "ms/first")
		})
	}
}

// BenchmarkMemory reports what a session costs in a server of its own, and how
// long a Sweep takes that finds nothing to do.
func BenchmarkMemory(b *testing.B) {
	client := dial(b, redistest.Run(b).Addr, func(o *redis.Options) { o.PoolSize = 16 })
	store, prefix := open(b, client)
	const n = 100_000
	used := func() float64 {
		info := client.Info(b.Context(), "memory").Val()
		found := regexp.MustCompile(`used_memory:(\d+)`).FindStringSubmatch(info)
		bytes, _ := strconv.ParseFloat(found[1], 64)
		return bytes
	}
	before := used()
	var next atomic.Int64
	var running sync.WaitGroup
	for range 16 {
		running.Go(func() {
			for i := next.Add(1); i <= n; i = next.Add(1) {
				if _, err := store.Start(b.Context(), located(fmt.Sprint("user ", i)), session.Replace{}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	calls, err := client.Keys(b.Context(), prefix+":*:c:*").Result()
	if err != nil {
		b.Fatal(err)
	}
	for start := 0; start < len(calls); start += 1000 {
		client.Del(b.Context(), calls[start:min(start+1000, len(calls))]...)
	}
	perSession := (used() - before) / n
	for b.Loop() {
		if _, err := store.Sweep(b.Context(), now); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(perSession, "bytes/session")
}
