package main

import (
	"bytes"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/mooring-go/mooring/binding/bindingtest"
)

// A request that was taken up late, because those before it were not answered,
// took that long too.
func TestARequestIsTimedFromWhenItWasDue(t *testing.T) {
	began := time.Now()
	at := func(seq uint64, taken, took time.Duration, code uint16) *vegeta.Result {
		return &vegeta.Result{Seq: seq, Timestamp: began.Add(taken), Latency: took, Code: code, Method: http.MethodGet}
	}
	o := judge([]*vegeta.Result{
		at(2, 500*time.Millisecond, 100*time.Millisecond, 503), // due after 200 ms
		at(0, 0, 10*time.Millisecond, 200),
		at(1, 100*time.Millisecond, 20*time.Millisecond, 200),
	}, 10)
	assert.Equal(t, outcome{
		rate: 10, requests: 3, failed: 1, throughput: 2 / 0.6,
		p50: 20 * time.Millisecond, p99: 20 * time.Millisecond, p999: 20 * time.Millisecond,
	}, o)
	late := judge([]*vegeta.Result{
		at(2, 500*time.Millisecond, 100*time.Millisecond, 200),
		at(0, 0, 0, 200),
		at(1, 100*time.Millisecond, 300*time.Millisecond, 200),
	}, 10)
	assert.Equal(t, 300*time.Millisecond, late.p50)
}

// The first request is often late, as the attacker is only just starting: the
// others were not early for that.
func TestNoRequestIsAnsweredBeforeItWasSent(t *testing.T) {
	began := time.Now()
	var results []*vegeta.Result
	for seq := range 10 {
		sent := time.Duration(seq) * 100 * time.Millisecond
		if seq == 0 {
			sent = 50 * time.Millisecond
		}
		results = append(results, &vegeta.Result{Seq: uint64(seq), Timestamp: began.Add(sent), Latency: time.Millisecond, Code: 200})
	}
	o := judge(results, 10)
	assert.Equal(t, time.Millisecond, o.p50)
	assert.Equal(t, time.Millisecond, o.p999, "of ten, the last but one")
}

func TestWhatIsSentIsTheMixThatIsPromised(t *testing.T) {
	v := &visitors{base: "http://host", cookies: make([]string, 70), moved: make([]atomic.Bool, 70)}
	signIns, moves := 0, 0
	last := map[string]string{}
	for i := range v.cookies {
		v.cookies[i] = "name=" + string(rune('0'+i)) + "; "
		last[v.cookies[i]] = at(bindingtest.Berlin)
	}
	const n = 10_000
	for range n {
		var target vegeta.Target
		require.NoError(t, v.next(&target))
		if target.Method == http.MethodPost {
			signIns++
			continue
		}
		cookie := target.Header.Get("Cookie")
		begin := strings.Index(cookie, "__Host-demo_address=")
		if last[cookie[:begin]] != cookie[begin:] {
			moves++
		}
		last[cookie[:begin]] = cookie[begin:]
	}
	assert.Equal(t, n/1000, signIns)
	assert.Equal(t, n/100, moves)
}

func TestTheExampleKnowsItsVisitors(t *testing.T) {
	program, err := build(t.Context(), t.TempDir())
	require.NoError(t, err)
	s := settings{rates: []int{100}, duration: 300 * time.Millisecond, sessions: 3}
	for _, store := range []string{"memory", "sqlite"} {
		outcomes, err := bothWays(t.Context(), program, store, s, t.Output())
		require.NoError(t, err)
		require.Len(t, outcomes, 2)
		for i, o := range outcomes {
			assert.Equal(t, i == 1, o.guarded)
			assert.Zero(t, o.failed)
			assert.Positive(t, o.requests) // a busy machine sends fewer than are due
			assert.Positive(t, o.processor)
		}
	}
}

func TestWhatTheGuardAddsIsShownWhereBothKeepUp(t *testing.T) {
	fine := outcome{store: "memory", guarded: true, throughput: 100, rate: 100, p50: time.Millisecond, processor: 50 * time.Microsecond}
	bare, slow, other := fine, fine, fine
	bare.guarded, bare.p50, bare.processor = false, 900*time.Microsecond, 40*time.Microsecond
	slow.throughput = 90
	other.store = "redis"
	table := tableOf([]outcome{bare, fine, slow, other})
	assert.Contains(t, table, "| memory | off | 100/s | 100/s | 0 | 0.90 ms | 0.00 ms | 0.00 ms | – | 40 µs | – |\n")
	assert.Contains(t, table, "| memory | on | 100/s | 100/s | 0 | 1.00 ms | 0.00 ms | 0.00 ms | 0.10 ms | 50 µs | 10 µs |\n")
	assert.Contains(t, table, "| memory | on | 100/s | 90/s | 0 | 1.00 ms | 0.00 ms | 0.00 ms | – | 50 µs | – |\n")
	assert.Contains(t, table, "| redis | on | 100/s | 100/s | 0 | 1.00 ms | 0.00 ms | 0.00 ms | – | 50 µs | – |\n")
}

func TestARunIsBounded(t *testing.T) {
	for _, args := range []string{"-rates 0", "-rates 1000000", "-rates 1,x", "-duration 1h", "-duration 0s", "-sessions 0", "-stores disk", "extra"} {
		_, err := parse(strings.Fields(args), new(bytes.Buffer))
		assert.Error(t, err, args)
	}
	s, err := parse([]string{"-stores", "redis,memory", "-rates", "1,2"}, new(bytes.Buffer))
	require.NoError(t, err)
	assert.Equal(t, []string{"redis", "memory"}, s.stores)
	assert.Equal(t, []int{1, 2}, s.rates)
}
