package failover

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// templates are the data directories of servers that never ran, by what they are of. To
// make one takes seconds, so it is made once.
var templates = struct {
	mu   sync.Mutex
	dirs map[string]string
}{dirs: map[string]string{}}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, dir := range templates.dirs {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// copied makes a new data directory at the path, which is the user's, as initialize does.
func copied(t *testing.T, as *syscall.Credential, of, path string, initialize func(path string)) {
	t.Helper()
	templates.mu.Lock()
	defer templates.mu.Unlock()
	if templates.dirs[of] == "" {
		dir, err := os.MkdirTemp("", "mooring-failover-"+of+"-")
		require.NoError(t, err)
		templates.dirs[of] = dir
		if as != nil {
			require.NoError(t, os.Chown(dir, int(as.Uid), int(as.Gid)))
		}
		initialize(filepath.Join(dir, "data"))
	}
	require.NoError(t, os.CopyFS(path, os.DirFS(filepath.Join(templates.dirs[of], "data"))))
	require.NoError(t, filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if as != nil {
			if err := os.Chown(path, int(as.Uid), int(as.Gid)); err != nil {
				return err
			}
		}
		if entry.IsDir() { // CopyFS makes directories that others can read, which PostgreSQL refuses
			return os.Chmod(path, 0o700)
		}
		return os.Chmod(path, 0o600)
	}))
}
