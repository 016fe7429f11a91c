package main

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

// badDSN says what is wanted, and not what was given: that may have a password
// in it.
func (s settings) badDSN() error {
	return fmt.Errorf("-dsn: cannot be read, want with -store %s: %s", s.store, dsnForms[s.store])
}

// checkDSN refuses a data source name that is plainly another store's. Some
// would be read all the same: as the name of a file, or as another host.
func (s settings) checkDSN() error {
	if s.dsn == "" {
		return nil
	}
	if s.store == "memory" {
		return errors.New("-dsn: want none with -store memory, which is nowhere else")
	}
	want, known := dsnForms[s.store]
	if is := storeOf(s.dsn); known && is != "" && is != s.store {
		return fmt.Errorf("-dsn: this is one of %s, want with -store %s: %s", is, s.store, want)
	}
	return nil
}

// storeOf is the store that a data source name is of, or "" where that cannot
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
