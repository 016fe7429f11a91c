package redisbase

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A Client sends commands to Redis or Valkey: one server, the master that Sentinels name,
// or the masters of a Cluster. It is safe for concurrent use.
//
// Each call returns by the context's deadline, whatever hangs. A command whose reply was
// lost may be sent again within half a minute after it was first sent, and not later:
// scripts know for a minute that they ran already. What a server refuses is an error whose
// text, or that of an error it wraps, begins with the server's own word.
type Client interface {
	// Cluster reports whether the client is one of a Cluster.
	Cluster() bool

	// Get returns the value of a key, and whether there is one.
	Get(ctx context.Context, key string) (value string, found bool, err error)

	// Do sends one command.
	Do(ctx context.Context, command Command) Reply

	// DoAll sends commands in one round trip to each server, and returns the reply of each.
	DoAll(ctx context.Context, commands []Command) []Reply

	// Together sends commands on one connection to the master that has their keys, in one round
	// trip, and returns the reply of each. The first of them has a key; the last may keep the
	// server for as long as it says. If the first one's reply is lost, all are sent again, on
	// one connection, or none.
	Together(ctx context.Context, commands []Command) []Reply

	// Info returns the INFO of each master that has keys, or why that one did not answer.
	Info(ctx context.Context) []Reply

	// Masters returns the masters that have the keys. Outside a Cluster there is one,
	// which has them all. It asks for them anew.
	Masters(ctx context.Context, keys []string) ([]Master, error)
}

// A Master is a server, and some of the keys that it has.
type Master struct {
	Addr string
	Keys []string

	// Listen subscribes to channels, with SSUBSCRIBE in a Cluster, on a connection of its
	// own. It calls ready when the server has all subscriptions, and then heard with each
	// message, in the order of the server, never two at a time. It returns when ctx ends, the
	// connection fails, or the server ends a subscription, and calls nothing afterwards.
	Listen func(ctx context.Context, channels []string, ready func(), heard func(channel, message string)) error
}

// A Command is the words of a command. Where it has keys, Key is the place of the first of
// them, and they are in one slot; 0: it has none, and any server will do.
type Command struct {
	Words []string
	Key   int
}

// Failed returns n replies that are the error.
func Failed(n int, err error) []Reply {
	replies := make([]Reply, n)
	for i := range replies {
		replies[i].Err = err
	}
	return replies
}

// A Reply is what a server said to one command. The value is nil, a string, an int64, or a
// []any of such values.
type Reply struct {
	Value any
	Err   error
}

// texts returns the reply of a script.
func (r Reply) texts() ([]string, error) {
	if r.Err != nil {
		return nil, r.Err
	}
	values, ok := r.Value.([]any)
	texts := make([]string, len(values))
	for i := 0; i < len(values) && ok; i++ {
		texts[i], ok = values[i].(string)
	}
	if !ok {
		return nil, fmt.Errorf("reply of type %T, want texts", r.Value)
	}
	return texts, nil
}

func (r Reply) text() (string, error) {
	if r.Err != nil {
		return "", r.Err
	}
	text, ok := r.Value.(string)
	if !ok {
		return "", fmt.Errorf("reply of type %T, want a text", r.Value)
	}
	return text, nil
}

func (r Reply) number() (int64, error) {
	if r.Err != nil {
		return 0, r.Err
	}
	n, ok := r.Value.(int64)
	if !ok {
		return 0, fmt.Errorf("reply of type %T, want a number", r.Value)
	}
	return n, nil
}

// isRefusal reports whether the server refused with the word.
func isRefusal(err error, word string) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.HasPrefix(err.Error(), word+" ") {
			return true
		}
	}
	return false
}
