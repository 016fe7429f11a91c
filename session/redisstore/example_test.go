package redisstore_test

import (
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/redisstore"
)

func Example() {
	client := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:                 []string{"127.0.0.1:6379"},
		ContextTimeoutEnabled: true, // required
	})
	defer client.Close()

	store, err := redisstore.New(client, redisstore.Config{Prefix: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	manager, err := session.NewManager(session.Config{Store: store})
	fmt.Println(manager != nil, err)
	// Output: true <nil>
}
