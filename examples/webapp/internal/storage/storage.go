// Package storage opens the store that sessions are kept in, by the name that the
// operator gives it. It has the one in memory; package databases has the others, and
// with them the drivers that only some programs need.
package storage

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mooring-go/mooring/session"
	"github.com/mooring-go/mooring/session/memstore"
)

// connectTime is how long a server may take to answer at the start.
const connectTime = 10 * time.Second

// Storage is a store that is open.
type Storage struct {
	session.Store
	Place string // where that is, for people
	Close func() error
}

// Settings say where a store is. The zero value is the usual place.
type Settings struct {
	DSN   string // a file, a data source name or a URL, by the kind of store
	Table string // of the sessions; for Redis, what keys begin with
}

// Kind is a kind of store.
type Kind struct {
	Name string // of the flag -store
	Open func(context.Context, Settings) (Storage, error)
}

// Memory keeps sessions in memory, until the program ends.
var Memory = Kind{"memory", func(context.Context, Settings) (Storage, error) {
	return Storage{memstore.New(), "in memory, until this program ends", func() error { return nil }}, nil
}}

// Names returns the names of kinds, for people.
func Names(kinds []Kind) string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = kind.Name
	}
	return strings.Join(names, ", ")
}

// Check returns what is wrong with a name or a setting as far as that can be told
// without opening the store.
func Check(kinds []Kind, name string, s Settings) error {
	if indexOf(kinds, name) < 0 {
		return fmt.Errorf("-store: %q: want one of %s", name, Names(kinds))
	}
	return checkDSN(name, s.DSN)
}

func indexOf(kinds []Kind, name string) int {
	return slices.IndexFunc(kinds, func(kind Kind) bool { return kind.Name == name })
}

// Open opens the store of the kind that has the name. Its errors have no password in
// them.
func Open(ctx context.Context, kinds []Kind, name string, s Settings) (Storage, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	if err := Check(kinds, name, s); err != nil {
		return Storage{}, err
	}
	storage, err := kinds[indexOf(kinds, name)].Open(ctx, s)
	if err != nil {
		return Storage{}, openError(name, err)
	}
	return storage, nil
}
