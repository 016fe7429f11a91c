package maxmind

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mooring-go/mooring/binding"
)

// DefaultWatchInterval is how often [DB.Watch] looks at the files where
// [Config.WatchInterval] does not say.
const DefaultWatchInterval = time.Minute

// Config says where the databases are. One of the two paths must be given.
type Config struct {
	// ASN is the path of a database of networks: GeoLite2-ASN, GeoIP2-ISP or
	// any whose records have the same fields. Empty: nothing is known of networks.
	ASN string

	// City is the path of a database of places: GeoLite2-City, GeoIP2-City,
	// GeoIP2-Enterprise, a Country database, or any whose records have the same
	// fields. What it covers is found out from its records. Empty: nothing is known
	// of places.
	City string

	// VerifyFully checks every record of a file before it is taken into use,
	// rather than a sample. The package comment says what it costs.
	VerifyFully bool

	// MaxAge is how long after its maker built it a database counts as fresh, for
	// [DB.Stale]. 0: however long.
	MaxAge time.Duration

	// WatchInterval is how often [DB.Watch] looks at the files. 0:
	// [DefaultWatchInterval].
	WatchInterval time.Duration

	// OnReload is called by [DB.Watch], from its goroutine, each time that it
	// tried to take a changed file into use: with nil where that worked, and
	// otherwise with the error of [DB.Reload]. It may be nil.
	OnReload func(error)
}

// DB is a [binding.Locator], [binding.Coverer] and [binding.Ager] over database
// files. It is safe for concurrent use. [Open] and [Load] make one.
type DB struct {
	current  atomic.Pointer[generation]
	status   atomic.Pointer[Status] // as of the last attempt to read files
	onReload func(error)
	maxAge   time.Duration
	interval time.Duration // 0: DefaultWatchInterval

	loading   sync.Mutex // held while files are read; guards what follows
	asn, city file
}

var (
	_ binding.Locator = (*DB)(nil)
	_ binding.Coverer = (*DB)(nil)
	_ binding.Ager    = (*DB)(nil)
)

// Open reads the databases that c names. What is wrong with either file is a
// [*FileError], and both are reported. A negative duration is [ErrNegative].
func Open(c Config) (*DB, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	db := &DB{
		onReload: c.OnReload,
		maxAge:   c.MaxAge,
		interval: c.WatchInterval,
		asn:      file{kind: asnKind, path: c.ASN, verifyFully: c.VerifyFully},
		city:     file{kind: cityKind, path: c.City, verifyFully: c.VerifyFully},
	}
	if err := db.load((*file).changed); err != nil {
		return nil, err
	}
	return db, nil
}

// validate returns every mistake in c, joined.
func (c Config) validate() error {
	var mistakes []error
	if c.ASN == "" && c.City == "" {
		mistakes = append(mistakes, ErrNoFiles)
	}
	if c.MaxAge < 0 {
		mistakes = append(mistakes, fmt.Errorf("%w: MaxAge %s, want 0 for any age, or above", ErrNegative, c.MaxAge))
	}
	if c.WatchInterval < 0 {
		mistakes = append(mistakes, fmt.Errorf("%w: WatchInterval %s, want 0 for %s, or above", ErrNegative, c.WatchInterval, DefaultWatchInterval))
	}
	return errors.Join(mistakes...)
}

// Load reads the databases from asn and city, which it copies. Either may be
// empty. [DB.Reload] and [DB.Watch] then find nothing to do. The errors are
// those of [Open].
func Load(asn, city []byte) (*DB, error) {
	if len(asn) == 0 && len(city) == 0 {
		return nil, ErrNoFiles
	}
	db := &DB{asn: file{kind: asnKind}, city: file{kind: cityKind}}
	if err := errors.Join(db.asn.use(asn), db.city.use(city)); err != nil {
		return nil, err
	}
	db.publish()
	return db, nil
}

// InMemory does nothing. It marks a locator that answers at once, so that a stage
// needs to set it no deadline.
func (db *DB) InMemory() {}

// Locate finds what the databases know of ip. What it returns is shared with
// others and read-only. A record that is damaged is a [*FileError].
func (db *DB) Locate(_ context.Context, ip netip.Addr) (binding.Location, error) {
	if !ip.IsValid() {
		return binding.Location{}, binding.ErrNoAddress
	}
	ip = binding.Normalize(ip)
	current := db.current.Load()
	at := inside(ip)
	asn, err := current.network(at)
	if err != nil {
		return binding.Location{}, err
	}
	geo, err := current.place(at)
	if err != nil {
		return binding.Location{}, err
	}
	return binding.Location{IP: ip, ASN: asn, Geo: geo, Generation: current.name}, nil
}

// Covers returns nil if the databases have the facts that p asks for, and
// otherwise an error that wraps [ErrNotCovered]. A policy that is covered stays
// so: a file that knows less than the one before is not taken into use.
func (db *DB) Covers(p binding.Policy) error {
	current := db.current.Load()
	return errors.Join(current.asn.covers(asnKind, p), current.city.covers(cityKind, p))
}

// covers returns nil if d, which may be nil, has what p asks a database of kind k for.
func (d *database) covers(k kind, p binding.Policy) error {
	if d == nil {
		return facts{}.covers(k, p, false, "")
	}
	return d.known.covers(k, p, true, d.Metadata.DatabaseType)
}
