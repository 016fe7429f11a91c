package benchmarks

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"testing"

	geoip1 "github.com/oschwald/geoip2-golang"
	"github.com/oschwald/geoip2-golang/v2"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/sink"
)

// BenchmarkMoved is what is done about a changed address: network and place of
// it are found and compared with those of the anchor, which are known. With 1000
// addresses the facts of each are kept from the time before; with 100000 most
// have to be decoded, as they are once after the files were replaced.
func BenchmarkMoved(b *testing.B) {
	db := database(b)
	asnFile, cityFile := files(b)
	for _, n := range []int{1_000, 100_000} {
		all := moves(b, db, n)
		run := func(name string, holds func(move) bool) {
			b.Run(fmt.Sprintf("%s/addresses=%d", name, n), func(b *testing.B) {
				for _, m := range all[:min(n, 1000)] {
					holds(m)
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					if !holds(all[i]) {
						b.Fatal(all[i])
					}
					if i++; i == n {
						i = 0
					}
				}
			})
		}
		ctx := b.Context()
		run("mooring", func(m move) bool {
			to, err := db.Locate(ctx, m.to)
			return err == nil && everything.Check(m.from, to) == nil
		})

		asn2, err := geoip2.Open(asnFile)
		require.NoError(b, err)
		city2, err := geoip2.Open(cityFile)
		require.NoError(b, err)
		run("geoip2-v2", func(m move) bool {
			asn, err := asn2.ASN(m.to)
			if err != nil {
				return false
			}
			city, err := city2.City(m.to)
			return err == nil && uint32(asn.AutonomousSystemNumber) == m.from.ASN.Number &&
				uint32(city.Continent.GeoNameID) == m.from.Geo.Continent.GeoNameID &&
				uint32(city.Country.GeoNameID) == m.from.Geo.Country.GeoNameID &&
				uint32(city.City.GeoNameID) == m.from.Geo.City.GeoNameID
		})

		asn1, err := geoip1.Open(asnFile)
		require.NoError(b, err)
		city1, err := geoip1.Open(cityFile)
		require.NoError(b, err)
		run("geoip2-v1", func(m move) bool {
			ip := m.to.AsSlice()
			asn, err := asn1.ASN(ip)
			if err != nil {
				return false
			}
			city, err := city1.City(ip)
			return err == nil && uint32(asn.AutonomousSystemNumber) == m.from.ASN.Number &&
				uint32(city.Continent.GeoNameID) == m.from.Geo.Continent.GeoNameID &&
				uint32(city.Country.GeoNameID) == m.from.Geo.Country.GeoNameID &&
				uint32(city.City.GeoNameID) == m.from.Geo.City.GeoNameID
		})
	}
}

// BenchmarkMovedRequest is a request from a changed address through the guard:
// found, compared, and recorded in the memory store.
func BenchmarkMovedRequest(b *testing.B) {
	db := database(b)
	m := moves(b, db, 1)[0]
	login := mooring(b, nil, db, nil)
	here := signIn(b, login, user, m.from.IP.String())
	there := here.Clone(b.Context())
	there.RemoteAddr = netip.AddrPortFrom(m.to, 4711).String()
	requests := [2]*http.Request{here, there}
	handler := login.Guard(answer(current))
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := new(http.Request)
		*r = *requests[i%2]
		handler.ServeHTTP(w, r)
	}
	require.Equal(b, http.StatusNoContent, w.status)
}

// BenchmarkBroken is a request whose session's binding is broken, from there to
// the event, which the sink takes without looking at it, and the answer.
func BenchmarkBroken(b *testing.B) {
	events := 0
	db := database(b)
	here := moves(b, db, 1)[0].from
	away := abroad(b, db, here)
	login := mooring(b, nil, db, sink.Func(func(context.Context, loginstage.Event) error {
		events++
		return nil
	}))
	handler := login.Guard(answer(current))
	address := netip.AddrPortFrom(away, 4711).String()
	requests := make([]*http.Request, b.N)
	for i := range requests {
		requests[i] = signIn(b, login, user, here.IP.String())
		requests[i].RemoteAddr = address
	}
	require.NoError(b, login.Flush(b.Context()))
	events = 0
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	b.ResetTimer()
	for _, r := range requests {
		clear(w.header)
		handler.ServeHTTP(w, r)
	}
	b.StopTimer()
	require.Equal(b, http.StatusUnauthorized, w.status)
	require.NoError(b, login.Flush(b.Context()))
	require.Equal(b, b.N, events)
}
