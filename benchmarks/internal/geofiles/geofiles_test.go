package geofiles

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/binding/maxmind"
)

func TestTheListOfNetworksBecomesADatabase(t *testing.T) {
	content, err := asnOf(
		strings.NewReader("1.0.0.0,1.0.0.255,13335,\"Cloudflare, Inc.\"\n10.0.0.0,10.0.0.255,1,private\n"),
		strings.NewReader("2400::,2400:0:ffff:ffff:ffff:ffff:ffff:ffff,64496,Example\n2002::,2002::ffff,2,of IPv4\n"),
	)
	require.NoError(t, err)
	db, err := maxmind.Load(content, nil)
	require.NoError(t, err)
	for ip, want := range map[string]uint32{"1.0.0.77": 13335, "2400::1": 64496, "10.0.0.1": 0, "1.0.1.0": 0} {
		location, err := db.Locate(t.Context(), netip.MustParseAddr(ip))
		require.NoError(t, err)
		if want == 0 {
			assert.Nil(t, location.ASN, ip)
		} else if assert.NotNil(t, location.ASN, ip) {
			assert.Equal(t, want, location.ASN.Number, ip)
		}
	}
}

func TestALineThatIsNoNetworkIsAnError(t *testing.T) {
	for _, line := range []string{"1.0.0.0,1.0.0.255,13335", "1.0.0,1.0.0.255,1,a", "1.0.0.0,1.0.0,1,a", "1.0.0.0,1.0.0.255,-1,a", "1.0.0.9,1.0.0.1,1,a"} {
		_, err := asnOf(strings.NewReader(line + "\n"))
		assert.Error(t, err, line)
	}
}

func TestFilesOfAPackageAreFoundByName(t *testing.T) {
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	archive := tar.NewWriter(zipped)
	for name, content := range map[string]string{"package/a": "first", "package/b": "second"} {
		require.NoError(t, archive.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o600}))
		_, err := archive.Write([]byte(content))
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	require.NoError(t, zipped.Close())

	found, err := unpack(bytes.NewReader(packed.Bytes()), []string{"package/b"})
	require.NoError(t, err)
	assert.Equal(t, map[string][]byte{"package/b": []byte("second")}, found)
	_, err = unpack(bytes.NewReader(packed.Bytes()), []string{"package/c"})
	assert.ErrorContains(t, err, "package/c")
}

func TestAFileIsMadeOnceAndWholeOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.mmdb")
	require.Error(t, once(path, func() ([]byte, error) { return []byte("half"), assert.AnError }))
	require.NoFileExists(t, path)
	for _, content := range []string{"first", "second"} {
		require.NoError(t, once(path, func() ([]byte, error) { return []byte(content), nil }))
	}
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "first", string(content))
}
