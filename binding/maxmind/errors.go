package maxmind

import (
	"errors"
	"fmt"
)

var (
	// ErrNoFiles is returned where neither database is given.
	ErrNoFiles = errors.New("maxmind: neither an ASN nor a City database is given, want at least one")

	// ErrCorrupt is wrapped by the errors of a file, or a record, that is not
	// what the format allows.
	ErrCorrupt = errors.New("corrupt database")

	// ErrLayout is wrapped by the error of a file whose records have the fields of
	// MaxMind's in another form. The package comment says what to do.
	ErrLayout = errors.New("the records are laid out in another way than MaxMind's")

	// ErrChanging is wrapped by the error of a file that changed while it was
	// read. It may be good later.
	ErrChanging = errors.New("the file changed while it was read")

	// ErrNotRegular is wrapped by the error of a path that names a directory, a
	// pipe or a device.
	ErrNotRegular = errors.New("not a regular file")

	// ErrNotCovered is wrapped by the errors of [DB.Covers].
	ErrNotCovered = errors.New("maxmind: policy not covered")

	// ErrStale is wrapped by the errors of [DB.Stale].
	ErrStale = errors.New("maxmind: stale database")

	// ErrNegative is wrapped by the errors of a [Config] whose MaxAge or
	// WatchInterval is negative.
	ErrNegative = errors.New("maxmind: negative duration")
)

// A FileError reports what is wrong with one of the databases.
type FileError struct {
	Option string // "ASN" or "City": what the database was given as
	Path   string // empty: it was given as bytes
	Err    error  // a *FactsError, ErrCorrupt, ErrLayout, ErrChanging, ErrNotRegular or what the file system says
}

// Error says what is wrong with which file.
func (e *FileError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("maxmind: %s database: %v", e.Option, e.Err)
	}
	return fmt.Sprintf("maxmind: %s database %q: %v", e.Option, e.Path, e.Err)
}

// Unwrap returns e.Err.
func (e *FileError) Unwrap() error { return e.Err }

// A FactsError reports a database whose records lack what they were to supply,
// whatever its type says. It comes in a [*FileError].
type FactsError struct {
	Type    string   // as the database names it
	Lacking []string // the fields that no record has: autonomous_system_number, continent, country or city
}

// Error names the type and the fields that are lacking.
func (e *FactsError) Error() string {
	return fmt.Sprintf("type %q cannot be used: no record of it has %s", e.Type, list(e.Lacking))
}
