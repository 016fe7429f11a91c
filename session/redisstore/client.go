package redisstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mooring-go/mooring/session/internal/redisbase"
)

// A client is how the steps of package redisbase use go-redis.
type client struct{ redis redis.UniversalClient }

var _ redisbase.Client = client{}

// Cluster reports whether it is the client of a Cluster.
func (c client) Cluster() bool {
	_, cluster := c.redis.(*redis.ClusterClient)
	return cluster
}

// Get returns the value of a key, and whether there is one.
func (c client) Get(ctx context.Context, key string) (value string, found bool, err error) {
	value, err = c.redis.Get(ctx, key).Result()
	if errors.Is(err, redis.Nil) {
		return "", false, nil
	}
	return value, err == nil, err
}

// command returns what go-redis sends, and knows the slot of.
func command(ctx context.Context, from redisbase.Command) *redis.Cmd {
	words := make([]any, len(from.Words))
	for i, word := range from.Words {
		words[i] = word
	}
	cmd := redis.NewCmd(ctx, words...)
	if from.Key > 0 {
		cmd.SetFirstKeyPos(int8(from.Key))
	}
	return cmd
}

func reply(of *redis.Cmd) redisbase.Reply {
	value, err := of.Result()
	if errors.Is(err, redis.Nil) {
		value, err = nil, nil
	}
	return redisbase.Reply{Value: value, Err: err}
}

// Do sends one command.
func (c client) Do(ctx context.Context, one redisbase.Command) redisbase.Reply {
	cmd := command(ctx, one)
	_ = c.redis.Process(ctx, cmd) // cmd has the error
	return reply(cmd)
}

// DoAll sends commands in one pipeline.
func (c client) DoAll(ctx context.Context, commands []redisbase.Command) []redisbase.Reply {
	cmds, replies := make([]*redis.Cmd, len(commands)), make([]redisbase.Reply, len(commands))
	_, _ = c.redis.Pipelined(ctx, func(pipe redis.Pipeliner) error { // each command has its error
		for i, one := range commands {
			cmds[i] = command(ctx, one)
			_ = pipe.Process(ctx, cmds[i])
		}
		return nil
	})
	for i, cmd := range cmds {
		replies[i] = reply(cmd)
	}
	return replies
}

// Together sends commands in one pipeline, which has one connection. In a Cluster it asks the
// client for the master itself: the client would send a command without a key to any node.
func (c client) Together(ctx context.Context, commands []redisbase.Command) []redisbase.Reply {
	cluster, ok := c.redis.(*redis.ClusterClient)
	if !ok {
		return c.DoAll(ctx, commands)
	}
	for attempt := 0; ; attempt++ {
		node, err := cluster.MasterForKey(ctx, commands[0].Words[commands[0].Key])
		replies := redisbase.Failed(len(commands), err)
		if err == nil {
			replies = client{node}.DoAll(ctx, commands)
		}
		if attempt >= cluster.Options().MaxRedirects || !elsewhere(replies[0].Err) {
			return replies
		}
		cluster.ReloadState(ctx)
		select {
		case <-time.After(firstPause << attempt):
		case <-ctx.Done():
			return replies
		}
	}
}

// firstPause is how long Together waits before it asks for the master again. Each pause is
// twice the one before.
const firstPause = 16 * time.Millisecond

// elsewhere reports whether a node did not answer, or another one may have the keys.
func elsewhere(err error) bool {
	if _, refused := errors.AsType[redis.Error](err); err == nil || !refused {
		return err != nil
	}
	return slices.ContainsFunc([]string{"MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "READONLY", "LOADING"}, func(word string) bool {
		return redis.HasErrorPrefix(err, word)
	})
}

// Info asks the masters at the same time.
func (c client) Info(ctx context.Context) []redisbase.Reply {
	ask := func(node redis.Cmdable) redisbase.Reply {
		text, err := node.Info(ctx).Result()
		return redisbase.Reply{Value: text, Err: err}
	}
	cluster, ok := c.redis.(*redis.ClusterClient)
	if !ok {
		return []redisbase.Reply{ask(c.redis)}
	}
	var mu sync.Mutex
	var replies []redisbase.Reply
	err := cluster.ForEachMaster(ctx, func(_ context.Context, node *redis.Client) error {
		one := ask(node)
		mu.Lock()
		defer mu.Unlock()
		replies = append(replies, one)
		return nil
	})
	if err != nil {
		replies = append(replies, redisbase.Reply{Err: err})
	}
	return replies
}

// Masters returns the masters that have the keys.
func (c client) Masters(ctx context.Context, keys []string) ([]redisbase.Master, error) {
	switch from := c.redis.(type) {
	case *redis.Client:
		return []redisbase.Master{master(from, keys, false)}, nil
	case *redis.ClusterClient:
		from.ReloadState(ctx)
		byAddress := map[string]int{}
		var all []redisbase.Master
		for _, key := range keys {
			node, err := from.MasterForKey(ctx, key)
			if err != nil {
				return nil, err
			}
			at, known := byAddress[node.Options().Addr]
			if !known {
				at = len(all)
				byAddress[node.Options().Addr], all = at, append(all, master(node, nil, true))
			}
			all[at].Keys = append(all[at].Keys, key)
		}
		return all, nil
	default:
		return nil, fmt.Errorf("the client is a %T", c.redis) // New refuses it
	}
}

func master(node *redis.Client, keys []string, cluster bool) redisbase.Master {
	m := redisbase.Master{Addr: node.Options().Addr, Keys: keys}
	m.Listen = func(ctx context.Context, channels []string, ready func(), heard func(channel, message string)) error {
		var subscription *redis.PubSub
		if cluster {
			subscription = node.SSubscribe(ctx)
		} else {
			subscription = node.Subscribe(ctx)
		}
		defer func() { _ = subscription.Close() }()
		defer context.AfterFunc(ctx, func() { _ = subscription.Close() })() // or it would wait for what comes next
		if err := subscribe(ctx, subscription, channels, cluster); err != nil {
			return err
		}
		return listen(ctx, subscription, len(channels), ready, heard)
	}
	return m
}

// subscribe asks for the channels. In a Cluster, one command may name channels of one slot
// only.
func subscribe(ctx context.Context, subscription *redis.PubSub, channels []string, cluster bool) error {
	if !cluster {
		return subscription.Subscribe(ctx, channels...)
	}
	for _, channel := range channels {
		if err := subscription.SSubscribe(ctx, channel); err != nil {
			return err
		}
	}
	return nil
}

// listen passes on what comes, until that fails.
func listen(ctx context.Context, subscription *redis.PubSub, channels int, ready func(), heard func(channel, message string)) error {
	for confirmed := 0; ; {
		received, err := subscription.Receive(ctx)
		if err != nil {
			return err
		}
		switch received := received.(type) {
		case *redis.Subscription:
			if received.Kind != "subscribe" && received.Kind != "ssubscribe" {
				return fmt.Errorf("no longer has the channel %s", received.Channel)
			}
			if confirmed++; confirmed == channels {
				ready()
			}
		case *redis.Message:
			heard(received.Channel, received.Payload)
		}
	}
}
