package rueidisstore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/redis/rueidis"
)

// listen is the Listen of a master.
func (m master) listen(ctx context.Context, channels []string, ready func(), heard func(channel, message string)) error {
	conn, release := m.node.Dedicate()
	defer release()
	defer conn.Close() // what has subscriptions is of no use to others
	var mu sync.Mutex  // held while something is called
	over, confirmed := false, 0
	dropped := make(chan string, 1)
	during := func(do func()) {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			do()
		}
	}
	lost := conn.SetPubSubHooks(rueidis.PubSubHooks{
		OnMessage: func(message rueidis.PubSubMessage) {
			during(func() { heard(message.Channel, message.Message) })
		},
		OnSubscription: func(s rueidis.PubSubSubscription) {
			during(func() {
				if s.Kind != "subscribe" && s.Kind != "ssubscribe" {
					over = true
					dropped <- s.Channel
				} else if confirmed++; confirmed == len(channels) {
					ready()
				}
			})
		},
	})
	defer during(func() { over = true })
	if err := subscribe(ctx, conn, channels, m.cluster); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case channel := <-dropped:
		return fmt.Errorf("no longer has the channel %s", channel)
	case err := <-lost:
		if err == nil {
			err = errors.New("connection closed")
		}
		return err
	}
}

// perSubscribe is how many channels of a Cluster are asked for at a time. rueidis has room
// for 1024 commands that wait for their replies.
const perSubscribe = 256

// subscribe asks for the channels, and waits until the server has all of them. In a Cluster,
// one command may name channels of one slot only.
func subscribe(ctx context.Context, conn rueidis.DedicatedClient, channels []string, cluster bool) error {
	if !cluster {
		return within(ctx, func() error {
			return conn.Do(ctx, conn.B().Subscribe().Channel(channels...).Build()).Error()
		}, itself)
	}
	for len(channels) > 0 {
		some := channels[:min(perSubscribe, len(channels))]
		channels = channels[len(some):]
		err := within(ctx, func() error {
			commands := make(rueidis.Commands, len(some))
			for i, channel := range some {
				commands[i] = conn.B().Ssubscribe().Channel(channel).Build()
			}
			for _, result := range conn.DoMulti(ctx, commands...) {
				if err := result.Error(); err != nil {
					return err
				}
			}
			return nil
		}, itself)
		if err != nil {
			return err
		}
	}
	return nil
}

func itself(err error) error { return err }
