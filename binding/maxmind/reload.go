package maxmind

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Reload reads the files again and takes those into use that are good and
// differ from what is in use. A file that is not good leaves the one before in
// place, and its [*FileError] is returned; both may be. A lookup that has begun
// goes on with the pair of files that was in use when it began.
func (db *DB) Reload() error { return db.load((*file).always) }

// Watch looks at the files at every [Config.WatchInterval], by their paths, and
// takes those into use that changed, as [DB.Reload] does. A file that could not be
// used is tried again at the next interval. It returns when ctx ends, with its
// cause.
func (db *DB) Watch(ctx context.Context) error {
	ticker := time.NewTicker(cmp.Or(db.interval, DefaultWatchInterval))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
			db.poll()
		}
	}
}

// poll takes changed files into use and reports the attempt, if there was one.
func (db *DB) poll() {
	attempted := false
	err := db.load(func(f *file) bool {
		changed := f.changed()
		attempted = attempted || changed
		return changed
	})
	if attempted && db.onReload != nil {
		db.onReload(err)
	}
}

// load reads the files that are due, and swaps in a new generation if that
// changed either database.
func (db *DB) load(due func(*file) bool) error {
	db.loading.Lock()
	defer db.loading.Unlock()
	var failed []error
	for _, f := range []*file{&db.asn, &db.city} {
		if due(f) {
			failed = append(failed, f.load())
		}
	}
	db.publish()
	return errors.Join(failed...)
}

// publish swaps in a new generation where either database is another one, and
// tells what became of the files.
func (db *DB) publish() {
	current := db.current.Load()
	if current == nil || current.asn != db.asn.used || current.city != db.city.used {
		current = newGeneration(db.asn.used, db.city.used)
		db.current.Store(current)
	}
	db.status.Store(&Status{Generation: current.name, ASN: db.asn.status(), City: db.city.status()})
}
