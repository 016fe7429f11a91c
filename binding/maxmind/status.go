package maxmind

import "time"

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

// Status returns what is in use now. While files are being read it waits for
// that.
func (db *DB) Status() Status {
	db.loading.Lock()
	defer db.loading.Unlock()
	return Status{Generation: db.current.Load().name, ASN: db.asn.status(), City: db.city.status()}
}

func (f *file) status() FileStatus {
	s := FileStatus{Path: f.path, Err: f.err}
	if f.used != nil {
		s.Type, s.Built, s.Loaded = f.used.Metadata.DatabaseType, f.used.Metadata.BuildTime().UTC(), f.loaded
	}
	return s
}
