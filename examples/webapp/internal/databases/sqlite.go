package databases

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// sqliteFile returns the file of the database, and how the driver is told of it. The
// name is a path; where it is empty, one in the user's cache directory. The file
// is made, so that nobody but the user may read it.
func sqliteFile(name string) (file, dsn string, err error) {
	if strings.HasPrefix(name, "file:") || strings.HasPrefix(name, ":memory:") {
		return "", "", errors.New("-dsn: want the path of a file, no URL and no memory")
	}
	if name == "" {
		dir, err := privateDir()
		if err != nil {
			return "", "", err
		}
		name = filepath.Join(dir, "sessions.db")
	}
	if file, err = filepath.Abs(name); err != nil {
		return "", "", err
	}
	made, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", "", err
	}
	if err := made.Close(); err != nil {
		return "", "", err
	}
	path := filepath.ToSlash(file)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/…
	}
	// FULL: an ending survives a power failure too. A step that waits for a writer
	// gives up before the request does.
	const pragmas = "?_pragma=busy_timeout(2000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	return file, (&url.URL{Scheme: "file", Path: path}).String() + pragmas, nil
}

// privateDir returns a directory that is this user's alone: in the cache directory
// or, where there is none, a new temporary one.
func privateDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err == nil {
		dir := filepath.Join(cache, "mooring-webapp")
		if err = os.MkdirAll(dir, 0o700); err == nil {
			err = os.Chmod(dir, 0o700) // it may be older
		}
		if err == nil {
			return dir, nil
		}
	}
	dir, tempErr := os.MkdirTemp("", "mooring-webapp-") // a name that nobody could have made before
	if tempErr != nil {
		return "", fmt.Errorf("no directory for sessions, name a file with -dsn: %w", errors.Join(err, tempErr))
	}
	return dir, nil
}
