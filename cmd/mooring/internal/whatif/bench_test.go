package whatif

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkMillionLines replays a log of a million lines: 50,000 sessions of
// 20,000 users within a day, of whom one use in seven is from another address than
// the one before. WHATIF_ASN and WHATIF_CITY name databases; without them it takes
// the embedded ones, in which most of the addresses are unknown.
func BenchmarkMillionLines(b *testing.B) {
	const lines = 1_000_000
	log := filepath.Join(b.TempDir(), "access.log")
	writeLog(b, log, lines)
	args := []string{"-demo", "-session-field=extra1", log}
	if asn, city := os.Getenv("WHATIF_ASN"), os.Getenv("WHATIF_CITY"); asn != "" && city != "" {
		args = append([]string{"-asn=" + asn, "-city=" + city}, args[1:]...)
	}
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, Run(b.Context(), args, nil, io.Discard, io.Discard))
	}
	b.ReportMetric(lines*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func writeLog(tb testing.TB, name string, lines int) {
	tb.Helper()
	file, err := os.Create(name)
	require.NoError(tb, err)
	out := bufio.NewWriter(file)
	random := rand.New(rand.NewPCG(1, 1))
	type client struct {
		usual [2]netip.Addr // at home and on the phone
		at    netip.Addr
	}
	public := func() netip.Addr {
		return netip.AddrFrom4([4]byte{byte(11 + random.IntN(180)), byte(random.IntN(256)), byte(random.IntN(256)), byte(random.IntN(256))})
	}
	clients := make([]client, 50_000)
	for i := range clients {
		home := public()
		clients[i] = client{usual: [2]netip.Addr{home, public()}, at: home}
	}
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	for line := range lines {
		i := random.IntN(len(clients))
		c := &clients[i]
		switch random.IntN(14) {
		case 0:
			c.at = c.usual[random.IntN(2)]
		case 1: // the next address of the same network
			bytes := c.usual[0].As4()
			bytes[3] = byte(random.IntN(256))
			c.at = netip.AddrFrom4(bytes)
		}
		fmt.Fprintf(out, "%s - user%d [%s] \"GET /items/%d?page=2 HTTP/1.1\" 200 %d \"https://shop.example/\" \"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\" \"%016x\"\n",
			c.at, i%20_000, at.Add(time.Duration(line)*80*time.Millisecond).Format("02/Jan/2006:15:04:05 -0700"), line%5000, 500+line%900, uint64(i+1)*0x9E3779B97F4A7C15)
	}
	require.NoError(tb, out.Flush())
	require.NoError(tb, file.Close())
}
