package storage

import (
	"errors"
	"fmt"
	"strings"
)

// dsnForms are what -dsn looks like.
var dsnForms = map[string]string{
	"sqlite":   "the path of a file",
	"postgres": "postgres://user:password@host:5432/database",
	"mysql":    "user:password@tcp(host:3306)/database",
	"redis":    "redis://user:password@host:6379/0",
}

// ErrDSN is returned by a [Kind] for a data source name that cannot be read. It does
// not say what was given, which may have a password in it.
var ErrDSN = errors.New("-dsn: cannot be read")

// openError says what is wrong with a store, or what its data source name looks like.
func openError(name string, err error) error {
	if errors.Is(err, ErrDSN) {
		return fmt.Errorf("%w, want with -store %s: %s", ErrDSN, name, dsnForms[name])
	}
	return fmt.Errorf("store %s: %w", name, err)
}

// checkDSN refuses a data source name that is plainly another store's. Some
// would be read all the same: as the name of a file, or as another host.
func checkDSN(name, dsn string) error {
	if dsn == "" {
		return nil
	}
	if name == Memory.Name {
		return errors.New("-dsn: want none with -store memory, which is nowhere else")
	}
	want, known := dsnForms[name]
	if is := storeOf(dsn); known && is != "" && is != name {
		return fmt.Errorf("-dsn: this is one of %s, want with -store %s: %s", is, name, want)
	}
	return nil
}

// storeOf returns the store that a data source name is of, or "" where that cannot
// be told.
func storeOf(dsn string) string {
	scheme, _, hasScheme := strings.Cut(dsn, "://")
	switch {
	case strings.HasPrefix(dsn, "file:"):
		return "sqlite"
	case hasScheme && (scheme == "postgres" || scheme == "postgresql"):
		return "postgres"
	case hasScheme && (scheme == "redis" || scheme == "rediss"):
		return "redis"
	case hasScheme && (scheme == "mysql" || scheme == "mariadb"):
		return "another form" // a URL, which the driver does not read
	case strings.Contains(dsn, "@tcp(") || strings.Contains(dsn, "@unix("):
		return "mysql"
	default:
		return ""
	}
}
