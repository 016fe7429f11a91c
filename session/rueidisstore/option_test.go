package rueidisstore_test

import (
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/internal/redistest"
	"github.com/mooring-go/mooring/session/rueidisstore"
)

func TestDialRefuses(t *testing.T) {
	for name, refused := range map[string]struct {
		change func(*rueidis.ClientOption)
		want   []string
	}{
		"no address":      {func(o *rueidis.ClientOption) { o.InitAddress = nil }, []string{"InitAddress is empty"}},
		"replicas":        {func(o *rueidis.ClientOption) { o.SendToReplicas = func(rueidis.Completed) bool { return true } }, []string{"replicas"}},
		"a replica":       {func(o *rueidis.ClientOption) { o.ReplicaOnly = true }, []string{"replicas"}},
		"node selector":   {func(o *rueidis.ClientOption) { o.ReadNodeSelector = func(uint16, []rueidis.NodeInfo) int { return 0 } }, []string{"replicas"}},
		"replica address": {func(o *rueidis.ClientOption) { o.Standalone.ReplicaAddress = []string{"127.0.0.1:1"} }, []string{"replicas"}},
		"redirect":        {func(o *rueidis.ClientOption) { o.Standalone.EnableRedirect = true }, []string{"EnableRedirect"}},
		"resp2":           {func(o *rueidis.ClientOption) { o.AlwaysRESP2 = true }, []string{"AlwaysRESP2"}},
		"slow":            {func(o *rueidis.ClientOption) { o.ConnWriteTimeout = rueidisstore.MaxTimeout + 1 }, []string{"ConnWriteTimeout is 5.000000001s: want a positive duration of 5s or less"}},
		"never":           {func(o *rueidis.ClientOption) { o.ConnWriteTimeout = -1 }, []string{"ConnWriteTimeout is -1ns"}},
		"no pings":        {func(o *rueidis.ClientOption) { o.Dialer.KeepAlive = -1 }, []string{"Dialer.KeepAlive is -1ns"}},
		"slow dialer":     {func(o *rueidis.ClientOption) { o.Dialer.Timeout = time.Minute }, []string{"Dialer.Timeout is 1m0s"}},
		"slow cluster":    {func(o *rueidis.ClientOption) { o.ClusterOption.ShardsRefreshInterval = time.Minute }, []string{"ShardsRefreshInterval is 1m0s"}},
		"slow sentinel":   {func(o *rueidis.ClientOption) { o.Sentinel.TopologyRefreshInterval = time.Minute }, []string{"TopologyRefreshInterval is 1m0s"}},
		"all at once": {func(o *rueidis.ClientOption) { o.InitAddress, o.ReplicaOnly, o.Dialer.Timeout = nil, true, -1 },
			[]string{"InitAddress", "replicas", "Dialer.Timeout"}},
		"nobody there": {func(*rueidis.ClientOption) {}, []string{"rueidisstore: connecting to 127.0.0.1:1: ", "refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			option := rueidis.ClientOption{InitAddress: []string{"127.0.0.1:1"}}
			refused.change(&option)
			_, err := rueidisstore.Dial(option)
			for _, want := range refused.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for name, client := range map[string]*rueidisstore.Client{"nil": nil, "not dialled": {}} {
		t.Run(name, func(t *testing.T) {
			_, err := rueidisstore.New(client, rueidisstore.Config{Prefix: "a{b}", Grace: -1})
			require.ErrorContains(t, err, "client is nil")
			require.ErrorContains(t, err, "rueidisstore: Prefix")
			require.ErrorContains(t, err, "rueidisstore: Grace")
		})
	}
}

// Nothing of rueidis's cache is turned on, whatever the option says.
func TestNoClientTracking(t *testing.T) {
	server := redistest.Run(t)
	client := dial(t, []*redistest.Server{server}, func(o *rueidis.ClientOption) { o.ClientTrackingOptions = []string{"BCAST"} })
	signedIn(t, open(t, client), "ada")
	require.Contains(t, server.Info(t, "clients"), "tracking_clients:0")
}

func TestDialOfAServerThatHangs(t *testing.T) {
	server := redistest.Run(t)
	server.Hang(t)
	defer server.Resume(t)
	began := time.Now()
	_, err := rueidisstore.Dial(rueidis.ClientOption{InitAddress: []string{server.Addr}, Dialer: dialer(100 * time.Millisecond)})
	require.Error(t, err)
	require.Less(t, time.Since(began), 30*time.Second)
}
