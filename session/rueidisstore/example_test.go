package rueidisstore_test

import (
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/rueidisstore"
)

func Example() {
	option := rueidis.ClientOption{
		InitAddress: []string{"127.0.0.1:6379"},
		ReplicaOnly: true,                                          // a mistake
		Dialer:      dialer(rueidisstore.MaxTimeout + time.Second), // another one
	}
	client, err := rueidisstore.Dial(option)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	store, err := rueidisstore.New(client, rueidisstore.Config{Prefix: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = session.NewManager(session.Config{Store: store})
	fmt.Println(err)
	// Output:
	// rueidisstore: the client reads from replicas: want SendToReplicas, ReadNodeSelector, ReplicaOnly and Standalone.ReplicaAddress unset, because replicas show sessions as live that have ended
	// rueidisstore: Dialer.Timeout is 6s: want a positive duration of 5s or less, or 0, because all requests wait for a connection that hangs, and for a master that died
}
