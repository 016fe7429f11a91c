package main

import (
	"fmt"
	"strings"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// stores are what -store can be.
var stores = []string{"memory"}

// openStore opens the store that sessions are kept in, and returns how to close
// it. Sessions in memory are gone when the process is.
func openStore(name string) (store session.Store, closeStore func() error, err error) {
	switch name {
	case "memory":
		return memstore.New(), func() error { return nil }, nil
	default:
		return nil, nil, fmt.Errorf("store %q: want one of %s", name, strings.Join(stores, ", "))
	}
}
