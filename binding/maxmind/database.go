package maxmind

import (
	"crypto/sha256"
	"encoding/binary"
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
}

// open checks content, which must not change from then on.
func open(k kind, path string, content []byte, verifyFully bool) (*database, error) {
	reader, err := maxminddb.OpenBytes(content)
	if err != nil {
		return nil, corrupt(err)
	}
	d := &database{Reader: reader, kind: k, path: path, digest: sha256.Sum256(content)}
	switch meta := reader.Metadata; {
	case !k.isUsable(meta.DatabaseType):
		return nil, &TypeError{Type: meta.DatabaseType, Allowed: usable[k]}
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
	return d, d.sample()
}

func corrupt(err error) error { return fmt.Errorf("%w: %w", ErrCorrupt, err) }

// sample looks up addresses that are spread evenly over all of IPv4, and over
// the part of IPv6 that is in use, and decodes what is found.
func (d *database) sample() error {
	for i := range uint32(1024) {
		var ip [4]byte
		binary.BigEndian.PutUint32(ip[:], i<<22|1)
		if err := d.try(netip.AddrFrom4(ip)); err != nil {
			return err
		}
	}
	for i := range uint32(256) {
		var ip [16]byte
		binary.BigEndian.PutUint32(ip[:], 0x2000_0000|i<<21) // 2000::/3
		if err := d.try(netip.AddrFrom16(ip)); err != nil {
			return err
		}
	}
	return nil
}

// try looks ip up and decodes what is found.
func (d *database) try(ip netip.Addr) error {
	result, found, err := d.lookup(ip)
	if err != nil || !found {
		return err
	}
	if d.kind == asnKind {
		_, err = decodeASN(result)
	} else {
		_, err = decodeGeo(result)
	}
	return err
}

// lookup finds the record of ip. A database of IPv4 knows nothing of IPv6.
func (d *database) lookup(ip netip.Addr) (maxminddb.Result, bool, error) {
	if ip.Is6() && d.Metadata.IPVersion == 4 {
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

// fileError is err as an error of d.
func (d *database) fileError(err error) error {
	return &FileError{Option: string(d.kind), Path: d.path, Err: err}
}

// hashOf spreads prefixes over 64 bits.
func hashOf(prefix netip.Prefix) uint64 {
	ip := prefix.Addr().As16()
	upper, lower := binary.BigEndian.Uint64(ip[:8]), binary.BigEndian.Uint64(ip[8:])
	return upper ^ bits.RotateLeft64(lower, 17) ^ uint64(prefix.Bits())
}
