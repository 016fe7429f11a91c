package maxmind

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"
)

// A database is one file in memory. It is immutable.
type database struct {
	*maxminddb.Reader
	kind   kind
	path   string // empty: given as bytes
	digest [sha256.Size]byte
	known  facts
	parts  *cache[uint, part] // by offset; of places alone
}

// open checks content, which must not change from then on.
func open(k kind, path string, content []byte, verifyFully bool) (*database, error) {
	reader, err := maxminddb.OpenBytes(content)
	if err != nil {
		return nil, corrupt(err)
	}
	d := &database{Reader: reader, kind: k, path: path, digest: sha256.Sum256(content)}
	if k == cityKind {
		d.parts = new(cache[uint, part])
	}
	switch meta := reader.Metadata; {
	case meta.IPVersion != 4 && meta.IPVersion != 6:
		return nil, corrupt(fmt.Errorf("IP version %d, want 4 or 6", meta.IPVersion))
	case meta.BinaryFormatMajorVersion != 2:
		return nil, corrupt(fmt.Errorf("version %d of the format, want 2", meta.BinaryFormatMajorVersion))
	}
	if verifyFully {
		if err := reader.Verify(); err != nil {
			return nil, corrupt(err)
		}
	}
	return d, d.survey()
}

func corrupt(err error) error { return fmt.Errorf("%w: %w", ErrCorrupt, err) }

// survey finds out what the records of d know, which its type does not tell for
// sure, and that they can be decoded.
func (d *database) survey() error {
	known, err := survey(d.kind.all(), func(ip netip.Addr) (facts, netip.Prefix, bool, error) {
		result, found, err := d.lookup(ip)
		if err != nil || !found {
			return facts{}, result.Prefix(), false, err
		}
		if d.kind == asnKind {
			asn, err := decodeASN(result)
			return factsOfNetwork(&asn), result.Prefix(), true, err
		}
		geo, err := decodeGeo(result, d.parts)
		return factsOfPlace(&geo), result.Prefix(), true, err
	})
	if mistyped, ok := errors.AsType[maxminddb.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%w: type %q: %w", ErrLayout, d.Metadata.DatabaseType, mistyped)
	}
	if err == nil && known == (facts{}) {
		return &FactsError{Type: d.Metadata.DatabaseType, Lacking: known.lacks(d.kind.all())}
	}
	d.known = known
	return err
}

// lookup finds the record of ip. A database of IPv4 knows nothing of IPv6.
func (d *database) lookup(ip netip.Addr) (maxminddb.Result, bool, error) {
	if lacksFamily(d.Metadata.IPVersion, ip) {
		return maxminddb.Result{}, false, nil
	}
	result := d.Lookup(ip)
	if err := result.Err(); err != nil {
		return result, false, corrupt(err)
	}
	return result, result.Found(), nil
}

// name tells the content of d from any other.
func (d *database) name() string {
	return fmt.Sprintf("%s %s %x", d.Metadata.DatabaseType, d.Metadata.BuildTime().UTC().Format("2006-01-02"), d.digest[:8])
}

// fileError returns err as an error of d.
func (d *database) fileError(err error) error {
	return &FileError{Option: string(d.kind), Path: d.path, Err: err}
}

// hashOf spreads prefixes over 64 bits.
func hashOf(prefix netip.Prefix) uint64 {
	ip := prefix.Addr().As16()
	upper, lower := binary.BigEndian.Uint64(ip[:8]), binary.BigEndian.Uint64(ip[8:])
	return upper ^ bits.RotateLeft64(lower, 17) ^ uint64(prefix.Bits())
}
