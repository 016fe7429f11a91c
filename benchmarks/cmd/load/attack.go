package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/mooring-go/mooring/binding/bindingtest"
)

// outcome is what became of the requests of one rate.
type outcome struct {
	store            string
	guarded          bool
	rate             int
	throughput       float64 // answered well, a second
	p50, p99, p999   time.Duration
	failed, requests int
	processor        time.Duration // of the application, for each request
}

// guard returns "on" or "off", as the application and the table say it.
func guard(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// kept reports whether the application kept up with the rate.
func (o outcome) kept() bool { return o.failed == 0 && o.throughput >= 0.95*float64(o.rate) }

// load starts the application on a store and loads it, until it does not keep up.
func load(ctx context.Context, program, store string, guarded bool, s settings, out io.Writer) ([]outcome, error) {
	flags, remove, err := placeFor(ctx, store)
	if err != nil {
		return nil, err
	}
	defer remove()
	base, stop, err := start(ctx, program, guarded, flags)
	if err != nil {
		return nil, err
	}
	defer stop()
	v, err := signInAll(ctx, base, s.sessions)
	if err != nil {
		return nil, err
	}
	var outcomes []outcome
	for _, rate := range s.rates {
		o, err := v.attack(ctx, rate, s.duration)
		if err != nil {
			return nil, err
		}
		o.store, o.guarded = store, guarded
		fmt.Fprintf(out, "%s, guard %s, at %d/s: %.0f/s, p50 %s, p99 %s, p99.9 %s, %d failed\n",
			store, guard(guarded), rate, o.throughput, o.p50, o.p99, o.p999, o.failed)
		outcomes = append(outcomes, o)
		if !o.kept() {
			break
		}
	}
	return outcomes, nil
}

// visitors are browsers with a session each, that move now and then.
type visitors struct {
	base    string
	cookies []string
	moved   []atomic.Bool // whether each is at the second of its two addresses
	sent    atomic.Uint64
}

// at returns the cookie by which a visitor of the example pretends to be somewhere.
func at(address netip.Addr) string { return "__Host-demo_address=" + address.String() }

func signInAll(ctx context.Context, base string, n int) (*visitors, error) {
	v := &visitors{base: base, cookies: make([]string, n), moved: make([]atomic.Bool, n)}
	for i := range n {
		request, err := v.signIn(fmt.Sprintf(visitorName, i)).Request()
		if err != nil {
			return nil, err
		}
		response, err := http.DefaultTransport.RoundTrip(request.WithContext(ctx))
		if err != nil {
			return nil, err
		}
		_ = response.Body.Close()
		if !answered(request.Method, response.StatusCode) {
			return nil, fmt.Errorf("signing in: %s", response.Status)
		}
		for _, cookie := range response.Cookies() {
			v.cookies[i] += cookie.Name + "=" + cookie.Value + "; "
		}
	}
	return v, nil
}

func (v *visitors) signIn(user string) *vegeta.Target {
	return &vegeta.Target{
		Method: http.MethodPost, URL: v.base + "/login",
		Header: http.Header{"Cookie": {at(bindingtest.Berlin)}, "Content-Type": {"application/x-www-form-urlencoded"}},
		Body:   []byte(url.Values{"user": {user}, "password": {password}}.Encode()),
	}
}

// answered reports whether a page was shown, or a sign-in led to one. Who is not
// signed in gets no page.
func answered(method string, status int) bool {
	if method == http.MethodPost {
		return status == http.StatusSeeOther
	}
	return status == http.StatusOK
}

// next returns the next request: a sign-in of somebody else, or a visit, which each
// hundredth time is from the other address.
func (v *visitors) next(target *vegeta.Target) error {
	n := v.sent.Add(1)
	who := int(n % uint64(len(v.cookies)))
	if n%1000 == 0 {
		*target = *v.signIn(fmt.Sprintf(guestName, n/1000%accounts))
		return nil
	}
	if n%100 == 50 {
		v.moved[who].Store(!v.moved[who].Load())
	}
	from := bindingtest.Berlin
	if v.moved[who].Load() {
		from = bindingtest.BerlinNeighbour
	}
	*target = vegeta.Target{
		Method: http.MethodGet, URL: v.base + "/",
		Header: http.Header{"Cookie": {v.cookies[who] + at(from)}},
	}
	return nil
}

// attack sends requests at the rate, for the duration.
func (v *visitors) attack(ctx context.Context, rate int, duration time.Duration) (outcome, error) {
	before, err := v.usage(ctx)
	if err != nil {
		return outcome{}, err
	}
	attacker := vegeta.NewAttacker(vegeta.Timeout(5*time.Second), vegeta.MaxWorkers(512), vegeta.Connections(512), vegeta.Redirects(vegeta.NoFollow))
	defer context.AfterFunc(ctx, func() { attacker.Stop() })()
	var results []*vegeta.Result
	for result := range attacker.Attack(v.next, vegeta.Rate{Freq: rate, Per: time.Second}, duration, "") {
		results = append(results, result)
	}
	if err := ctx.Err(); err != nil {
		return outcome{}, err
	}
	after, err := v.usage(ctx)
	if err != nil {
		return outcome{}, err
	}
	o := judge(results, rate)
	if o.requests == 0 {
		return o, errors.New("no request was sent")
	}
	o.processor = (after - before) / time.Duration(o.requests)
	return o, nil
}

// judge times each request from when it was due. Vegeta times it from when a
// worker took it up, which is later if all were waiting. Vegeta does not say when
// it began: that is the latest instant by which no request was sent before it was
// due.
func judge(results []*vegeta.Result, rate int) outcome {
	o := outcome{rate: rate, requests: len(results)}
	if len(results) == 0 {
		return o
	}
	after := func(r *vegeta.Result) time.Duration { return time.Duration(r.Seq) * time.Second / time.Duration(rate) }
	began := results[0].Timestamp.Add(-after(results[0]))
	for _, result := range results {
		if could := result.Timestamp.Add(-after(result)); could.Before(began) {
			began = could
		}
	}
	latencies := make([]time.Duration, len(results))
	ended := began
	for i, result := range results {
		end := result.Timestamp.Add(result.Latency)
		latencies[i] = end.Sub(began.Add(after(result)))
		if end.After(ended) {
			ended = end
		}
		if !answered(result.Method, int(result.Code)) {
			o.failed++
		}
	}
	slices.Sort(latencies)
	quantile := func(share float64) time.Duration { return latencies[int(share*float64(len(latencies)-1))] }
	o.p50, o.p99, o.p999 = quantile(0.5), quantile(0.99), quantile(0.999)
	if took := ended.Sub(began); took > 0 {
		o.throughput = float64(o.requests-o.failed) / took.Seconds()
	}
	return o
}

// usage returns the processor time that the application has taken so far.
func (v *visitors) usage(ctx context.Context) (time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base+"/usage", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	microseconds, err := strconv.ParseInt(string(text), 10, 64)
	return time.Duration(microseconds) * time.Microsecond, err
}
