package maxmind

import (
	"bytes"
	"io/fs"
	"os"
	"time"
)

// A file is where a database comes from, and the last good content of it.
type file struct {
	kind        kind
	path        string // empty: there is none, or it was given as bytes
	verifyFully bool

	used   *database   // nil: none yet
	loaded time.Time   // when used was taken into use
	read   fs.FileInfo // of the content that used was read from; nil: not from a file
	err    error       // why the last attempt failed; nil: it did not
}

// changed reports whether there is something to read that was not read before,
// or that could not be used when it was.
func (f *file) changed() bool {
	if f.path == "" {
		return false
	}
	if f.err != nil || f.read == nil {
		return true
	}
	info, err := os.Stat(f.path)
	return err != nil || !unchanged(info, f.read)
}

// always has every file read.
func (f *file) always() bool { return f.path != "" }

func unchanged(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// load reads the file and takes it into use if it is good. Otherwise what was
// in use stays so.
func (f *file) load() error {
	content, info, err := readWhole(f.path)
	if err == nil {
		err = f.take(content)
	}
	if err != nil {
		err = &FileError{Option: string(f.kind), Path: f.path, Err: err}
	} else {
		f.read = info
	}
	f.err = err
	return err
}

// use takes bytes into use, if there are any.
func (f *file) use(content []byte) error {
	if len(content) == 0 {
		return nil
	}
	if err := f.take(bytes.Clone(content)); err != nil {
		return &FileError{Option: string(f.kind), Err: err}
	}
	return nil
}

// take opens content and takes it into use if it is good, is not what is in use
// already, and does not know less than that.
func (f *file) take(content []byte) error {
	next, err := open(f.kind, f.path, content, f.verifyFully)
	if err != nil {
		return err
	}
	if f.used != nil {
		if next.digest == f.used.digest {
			return nil
		}
		if lacking := next.known.lacks(f.used.known); len(lacking) > 0 {
			return &FactsError{Type: next.Metadata.DatabaseType, Lacking: lacking}
		}
	}
	f.used, f.loaded = next, time.Now()
	return nil
}

// readWhole reads a regular file, and the state that it was in while it was read.
func readWhole(path string) ([]byte, fs.FileInfo, error) {
	before, err := os.Stat(path) // and not of the open file: opening a pipe would wait for a writer
	if err != nil {
		return nil, nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, nil, ErrNotRegular
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	after, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !unchanged(before, after) || int64(len(content)) != before.Size() {
		return nil, nil, ErrChanging
	}
	return content, before, nil
}
