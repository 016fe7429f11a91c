package rueidisstore

import (
	"context"
	"sync"

	"github.com/redis/rueidis"
)

// Get returns the value of a key, and whether there is one. It is within without its
// allocations, because each request is one.
func (l link) Get(ctx context.Context, key string) (value string, found bool, err error) {
	if ctx.Done() == nil {
		return l.get(ctx, key)
	}
	g := gets.Get().(*get)
	g.link, g.ctx, g.key = l, ctx, key
	go g.run()
	select {
	case <-g.done:
		value, found, err = g.value, g.found, g.err
		*g = get{done: g.done}
		gets.Put(g)
		return value, found, err
	case <-ctx.Done():
		return "", false, ctx.Err() // run still has g
	}
}

// A get is one call of Get.
type get struct {
	link link
	ctx  context.Context
	key  string
	done chan struct{} // has a value when run is over

	value string
	found bool
	err   error
}

var gets = sync.Pool{New: func() any { return &get{done: make(chan struct{}, 1)} }}

func (g *get) run() {
	g.value, g.found, g.err = g.link.get(g.ctx, g.key)
	g.done <- struct{}{}
}

func (l link) get(ctx context.Context, key string) (value string, found bool, err error) {
	value, err = l.redis.Do(ctx, l.redis.B().Get().Key(key).Build()).ToString()
	if rueidis.IsRedisNil(err) {
		return "", false, nil
	}
	return value, err == nil, err
}
