package rueidisstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/redis/rueidis"
)

// What [Dial] sets where an option is 0. A connection that hangs is given up after
// DefaultConnWriteTimeout and at most twice DefaultKeepAlive.
const (
	DefaultConnWriteTimeout = time.Second     // ConnWriteTimeout
	DefaultKeepAlive        = time.Second     // Dialer.KeepAlive
	DefaultDialTimeout      = time.Second     // Dialer.Timeout
	DefaultRefreshInterval  = 2 * time.Second // ClusterOption.ShardsRefreshInterval, Sentinel.TopologyRefreshInterval
)

// MaxTimeout is the upper limit of each of the options ConnWriteTimeout, Dialer.KeepAlive,
// Dialer.Timeout, ClusterOption.ShardsRefreshInterval and
// Sentinel.TopologyRefreshInterval. Requests fail for so long and longer
// after a connection began to hang, or a master of a Cluster died.
const MaxTimeout = 5 * time.Second

// The pauses before a command is sent again, and how often it is at the most. A pause is
// twice the one before.
const (
	firstPause = 8 * time.Millisecond
	maxPause   = 512 * time.Millisecond
	resends    = 5
)

// validate returns every reason, joined, why sessions would not be safe with a client of
// the option.
func validate(option rueidis.ClientOption) error {
	var mistakes []error
	refuse := func(bad bool, why string) {
		if bad {
			mistakes = append(mistakes, errors.New("rueidisstore: "+why))
		}
	}
	refuse(len(option.InitAddress) == 0, "InitAddress is empty: want the addresses of servers, or of Sentinels")
	refuse(option.SendToReplicas != nil || option.ReadNodeSelector != nil || option.ReplicaOnly || len(option.Standalone.ReplicaAddress) > 0,
		"the client reads from replicas: want SendToReplicas, ReadNodeSelector, ReplicaOnly and Standalone.ReplicaAddress unset, because replicas show sessions as live that have ended")
	refuse(option.Standalone.EnableRedirect, "Standalone.EnableRedirect is on: want it off, and Sentinel or a Cluster where the master may change")
	refuse(option.AlwaysRESP2, "AlwaysRESP2 is on: want it off, because a Watch hears by RESP3")
	for name, timeout := range map[string]time.Duration{
		"ConnWriteTimeout":                    option.ConnWriteTimeout,
		"Dialer.KeepAlive":                    option.Dialer.KeepAlive,
		"Dialer.Timeout":                      option.Dialer.Timeout,
		"ClusterOption.ShardsRefreshInterval": option.ClusterOption.ShardsRefreshInterval,
		"Sentinel.TopologyRefreshInterval":    option.Sentinel.TopologyRefreshInterval,
	} {
		refuse(timeout < 0 || timeout > MaxTimeout,
			fmt.Sprintf("%s is %s: want a positive duration of %s or less, or 0, because all requests wait for a connection that hangs, and for a master that died", name, timeout, MaxTimeout))
	}
	return errors.Join(mistakes...)
}

// withDefaults returns the option as the store needs it.
func withDefaults(option rueidis.ClientOption) rueidis.ClientOption {
	for _, each := range []struct {
		timeout *time.Duration
		usual   time.Duration
	}{
		{&option.ConnWriteTimeout, DefaultConnWriteTimeout},
		{&option.Dialer.KeepAlive, DefaultKeepAlive},
		{&option.Dialer.Timeout, DefaultDialTimeout},
		{&option.Sentinel.Dialer.KeepAlive, DefaultKeepAlive},
		{&option.Sentinel.Dialer.Timeout, DefaultDialTimeout},
		{&option.ClusterOption.ShardsRefreshInterval, DefaultRefreshInterval},
		{&option.Sentinel.TopologyRefreshInterval, DefaultRefreshInterval},
	} {
		if *each.timeout == 0 {
			*each.timeout = each.usual
		}
	}
	if option.PipelineMultiplex == 0 {
		option.PipelineMultiplex = -1 // one connection, which gathers the most commands in one write
	}
	option.DisableCache = true // nothing here asks it, and the server would remember each client for it
	option.RetryDelay = bounded(option.RetryDelay)
	return option
}

// bounded returns the delay, or one that doubles, for a few times.
func bounded(delay rueidis.RetryDelayFn) rueidis.RetryDelayFn {
	return func(attempt int, command rueidis.Completed, err error) time.Duration {
		switch {
		case attempt > resends:
			return -1 // not again
		case delay != nil:
			return delay(attempt, command, err)
		default:
			return min(firstPause<<(attempt-1), maxPause)
		}
	}
}
