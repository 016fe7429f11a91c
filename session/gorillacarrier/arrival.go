package gorillacarrier

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/gorilla/sessions"

	"github.com/mooring-go/mooring/session"
)

// An arrival is what a request came with. Whatever is written in answer to the
// request does not change the token or the error.
type arrival struct {
	session *sessions.Session // the request's, shared with the handlers; nil only if err is not
	token   session.Token
	err     error // the store failed

	// stale says that the values are not known to be this visitor's: the request
	// brought nothing that can be read, or more than one thing. They must not outlive a
	// sign-in.
	stale bool
}

// arrived returns what r came with. It looks once for each request, and remembers that
// in gorilla's registry, as a session that is never saved.
func (c *Carrier) arrived(r *http.Request) *arrival {
	memory, err := sessions.GetRegistry(r).Get(arrivals{c}, c.options.Name+".arrival")
	if err != nil {
		return &arrival{err: fmt.Errorf("gorillacarrier: %w", err)}
	}
	return memory.Values[valueKey].(*arrival)
}

func (c *Carrier) arrive(r *http.Request) *arrival {
	c.use()
	name := c.options.Name
	s, err := c.store.Get(r, name)
	if err != nil && !isUnreadable(err) {
		return &arrival{session: s, err: fmt.Errorf("gorillacarrier: reading session %q: %w", name, err)}
	}
	value, present := s.Values[valueKey]
	if err != nil || len(r.CookiesNamed(name)) > 1 {
		return &arrival{session: s, stale: true}
	}
	if !present {
		return &arrival{session: s}
	}
	token, seconds, ok := parseValue(value)
	if !ok {
		return &arrival{session: s, stale: true}
	}
	s.Options = c.impose(s.Options, c.handlersAge(seconds))
	return &arrival{session: s, token: token}
}

// codecError is what the errors of gorilla's securecookie have in common.
type codecError interface {
	error
	IsUsage() bool
	IsInternal() bool
}

// isUnreadable reports whether a store's error says that a cookie names no session. Any
// other error means that the store failed.
func isUnreadable(err error) bool {
	if missing, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(err, fs.ErrNotExist) {
		_, err := os.Stat(filepath.Dir(missing.Path)) // all sessions are missing without it
		return err == nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return true
	}
	// Not IsDecode: the error for a value that is too long does not have it.
	codec, ok := errors.AsType[codecError](err)
	return ok && !codec.IsUsage() && !codec.IsInternal()
}

// arrivals is the [sessions.Store] of arrivals.
type arrivals struct{ carrier *Carrier }

func (a arrivals) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(a, name)
}

func (a arrivals) New(r *http.Request, name string) (*sessions.Session, error) {
	memory := sessions.NewSession(a, name)
	memory.Values[valueKey] = a.carrier.arrive(r)
	return memory, nil
}

// Save does nothing; a handler may save all sessions of its request.
func (arrivals) Save(*http.Request, http.ResponseWriter, *sessions.Session) error { return nil }
