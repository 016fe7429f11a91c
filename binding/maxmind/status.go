package maxmind

import (
	"errors"
	"fmt"
	"time"
)

// Status tells what a [DB] has in use, and how old it is.
type Status struct {
	Generation string // as in [github.com/mooring-go/mooring/binding.Location]
	ASN, City  FileStatus
}

// FileStatus tells about one database. It is zero but for Path and Err where
// there is none.
type FileStatus struct {
	Path   string    // empty: there is none, or it was given as bytes
	Type   string    // such as GeoLite2-City
	Built  time.Time // when its maker built what is in use
	Loaded time.Time // when it was taken into use
	Err    error     // why a newer file is not in use; nil: none was refused
}

// Status returns what is in use now.
func (db *DB) Status() Status { return *db.status.Load() }

// Stale returns nil if both files could be read when that was last tried, by
// [DB.Watch] or [DB.Reload], and what is in use is not older than
// [Config.MaxAge]. Otherwise its error wraps [ErrStale] and says what is wrong
// with which file.
func (db *DB) Stale() error {
	status := db.Status()
	return errors.Join(status.ASN.stale(asnKind, db.maxAge), status.City.stale(cityKind, db.maxAge))
}

func (s FileStatus) stale(k kind, maxAge time.Duration) error {
	if s.Err != nil {
		return fmt.Errorf("%w: %w", ErrStale, s.Err)
	}
	if age := time.Since(s.Built); maxAge > 0 && s.Type != "" && age > maxAge {
		return fmt.Errorf("%w: %s database %q: built %s ago, want at most %s", ErrStale, k, s.Path, age.Round(time.Second), maxAge)
	}
	return nil
}

func (f *file) status() FileStatus {
	s := FileStatus{Path: f.path, Err: f.err}
	if f.used != nil {
		s.Type, s.Built, s.Loaded = f.used.Metadata.DatabaseType, f.used.Metadata.BuildTime().UTC(), f.loaded
	}
	return s
}
