package rueidisstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/mooring-go/mooring/session/internal/redisbase"
)

// A Client has the connections of stores to one server, to the master that Sentinels name, or
// to a Cluster. [Dial] makes one; the zero value is of no use. It is safe for concurrent use.
type Client struct{ link link }

// Dial connects, and returns the client, or every mistake in the option, joined, or why
// nobody answered. It sets what is 0 in the option as the constants of this package say,
// PipelineMultiplex to -1, and DisableCache; a command is sent again five times at the most, where RetryDelay does not
// want fewer. It waits for twice Dialer.Timeout for each address at the most.
func Dial(option rueidis.ClientOption) (*Client, error) {
	if err := validate(option); err != nil {
		return nil, err
	}
	client, err := rueidis.NewClient(withDefaults(option))
	if err != nil {
		return nil, fmt.Errorf("rueidisstore: connecting to %s: %w", strings.Join(option.InitAddress, ", "), err)
	}
	l := link{redis: client, cluster: client.Mode() == rueidis.ClientModeCluster}
	if !option.DisableRetry {
		l.resends = resends
	}
	return &Client{l}, nil
}

// Close closes all connections, after which every step of a store returns an error. It waits
// for a second at the most for each connection that hangs.
func (c *Client) Close() { c.link.redis.Close() }

// A link is how the steps of package redisbase use rueidis.
type link struct {
	redis   rueidis.Client
	cluster bool
	resends int // how often Together sends commands again
}

var _ redisbase.Client = link{}

// Cluster reports whether it is a Cluster.
func (l link) Cluster() bool { return l.cluster }

// resendWithin is how long after a script was first sent it may be sent again: scripts know
// for a minute that they ran already.
const resendWithin = 30 * time.Second

// Do sends one command.
func (l link) Do(ctx context.Context, one redisbase.Command) redisbase.Reply {
	ctx, cancel := context.WithTimeout(ctx, resendWithin)
	defer cancel()
	return within(ctx, func() redisbase.Reply { return reply(l.redis.Do(ctx, l.command(one))) }, failed)
}

// DoAll sends commands in one round trip to each server.
func (l link) DoAll(ctx context.Context, commands []redisbase.Command) []redisbase.Reply {
	ctx, cancel := context.WithTimeout(ctx, resendWithin)
	defer cancel()
	return within(ctx, func() []redisbase.Reply {
		completed := make(rueidis.Commands, len(commands))
		for i, one := range commands {
			completed[i] = l.command(one)
		}
		replies := make([]redisbase.Reply, len(commands))
		for i, result := range l.redis.DoMulti(ctx, completed...) {
			replies[i] = reply(result)
		}
		return replies
	}, func(err error) []redisbase.Reply {
		return redisbase.Failed(len(commands), err)
	})
}

// Together sends commands on a connection that nobody else uses meanwhile, so that one that
// waits keeps nobody else waiting. rueidis itself sends none of them again: it would send
// each by itself, maybe on another connection.
func (l link) Together(ctx context.Context, commands []redisbase.Command) []redisbase.Reply {
	ctx, cancel := context.WithTimeout(ctx, resendWithin)
	defer cancel()
	for attempt := 0; ; attempt++ {
		replies := within(ctx, func() []redisbase.Reply { return l.dedicated(ctx, commands) }, func(err error) []redisbase.Reply {
			return redisbase.Failed(len(commands), err)
		})
		if attempt >= l.resends || !elsewhere(replies[0].Err) {
			return replies
		}
		select {
		case <-time.After(min(firstPause<<attempt, maxPause)):
		case <-ctx.Done():
			return replies
		}
	}
}

// dedicated sends commands on one connection, once.
func (l link) dedicated(ctx context.Context, commands []redisbase.Command) []redisbase.Reply {
	replies := make([]redisbase.Reply, len(commands))
	_ = l.redis.Dedicated(func(one rueidis.DedicatedClient) error {
		completed := make(rueidis.Commands, len(commands))
		for i, from := range commands {
			if from.Key == 0 { // it waits, so that the connection must not be given up
				completed[i] = one.B().Arbitrary(from.Words...).Blocking()
			} else {
				completed[i] = one.B().Arbitrary(from.Words[:from.Key]...).Keys(from.Words[from.Key]).Args(from.Words[from.Key+1:]...).Build()
			}
		}
		for i, result := range one.DoMulti(ctx, completed...) {
			replies[i] = reply(result)
		}
		return nil // the replies have the errors
	})
	return replies
}

// elsewhere reports whether a node did not answer, or another one may have the keys.
func elsewhere(err error) bool {
	refused, ok := rueidis.IsRedisErr(err)
	if err == nil || !ok {
		return err != nil
	}
	_, moved := refused.IsMoved()
	_, ask := refused.IsAsk()
	return moved || ask || refused.IsTryAgain() || refused.IsClusterDown() || refused.IsLoading() || strings.HasPrefix(refused.Error(), "READONLY ")
}

// command returns what rueidis sends, again if the connection is lost.
func (l link) command(from redisbase.Command) rueidis.Completed {
	if from.Key == 0 {
		return l.redis.B().Arbitrary(from.Words...).Build().ToRetryable()
	}
	// The other keys are in the slot of the first.
	return l.redis.B().Arbitrary(from.Words[:from.Key]...).Keys(from.Words[from.Key]).Args(from.Words[from.Key+1:]...).Build().ToRetryable()
}

func reply(of rueidis.RedisResult) redisbase.Reply {
	value, err := of.ToAny()
	if rueidis.IsRedisNil(err) {
		return redisbase.Reply{}
	}
	return redisbase.Reply{Value: value, Err: err}
}

func failed(err error) redisbase.Reply { return redisbase.Reply{Err: err} }
