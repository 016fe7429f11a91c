package geofiles

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// asnOf makes a GeoLite2-ASN file of lines such as
//
//	1.0.0.0,1.0.0.255,13335,"Cloudflare, Inc."
//
// first and last address, number, organization.
func asnOf(lists ...io.Reader) ([]byte, error) {
	tree, err := newTree("GeoLite2-ASN", 24)
	if err != nil {
		return nil, err
	}
	for _, list := range lists {
		lines := csv.NewReader(list)
		lines.FieldsPerRecord, lines.ReuseRecord = 4, true
		for {
			line, err := lines.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			if err := insertLine(tree, line); err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
		}
	}
	return contentOf(tree)
}

func insertLine(tree *mmdbwriter.Tree, line []string) error {
	first, err := netip.ParseAddr(line[0])
	if err != nil {
		return err
	}
	last, err := netip.ParseAddr(line[1])
	if err != nil {
		return err
	}
	number, err := strconv.ParseUint(line[2], 10, 32)
	if err != nil {
		return err
	}
	return unlessReserved(tree.InsertRange(first.AsSlice(), last.AsSlice(), asnRecord(uint32(number), line[3])))
}

// unlessReserved returns err, or nil for a network that stands for no place, such as
// 192.168.0.0/16, or for addresses of IPv4, such as 2002::/16: a real file has
// nothing of those either.
func unlessReserved(err error) error {
	if _, reserved := errors.AsType[*mmdbwriter.ReservedNetworkError](err); reserved {
		return nil
	}
	if _, aliased := errors.AsType[*mmdbwriter.AliasedNetworkError](err); aliased {
		return nil
	}
	return err
}

func asnRecord(number uint32, organization string) mmdbtype.Map {
	return mmdbtype.Map{
		"autonomous_system_number":       mmdbtype.Uint32(number),
		"autonomous_system_organization": mmdbtype.String(organization),
	}
}

func newTree(databaseType string, recordSize int) (*mmdbwriter.Tree, error) {
	return mmdbwriter.New(mmdbwriter.Options{
		DatabaseType: databaseType,
		BuildEpoch:   1767657600, // 2026-01-06, so that each run writes the same bytes
		Languages:    []string{"en"},
		RecordSize:   recordSize,
	})
}

func contentOf(tree *mmdbwriter.Tree) ([]byte, error) {
	var content bytes.Buffer
	_, err := tree.WriteTo(&content)
	return content.Bytes(), err
}
