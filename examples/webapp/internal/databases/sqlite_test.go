package databases

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/examples/webapp/internal/storage"
)

func TestWithoutACacheDirectoryATemporaryOneServes(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("HOME", filepath.Join(os.DevNull, "nowhere"))
	t.Setenv("XDG_CACHE_HOME", "")
	file, _, err := sqliteFile("")
	require.NoError(t, err)
	assert.Equal(t, temporary, filepath.Dir(filepath.Dir(file)))
	again, _, err := sqliteFile("")
	require.NoError(t, err)
	assert.NotEqual(t, file, again, "nobody else could have made it before")
}

func TestAnyNameOfAFileWillDo(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a b", "50%41", "what?", "#1", "ü", "x&_pragma=foreign_keys(1)"} {
		file := filepath.Join(dir, name)
		_, dsn, err := sqliteFile(file)
		require.NoError(t, err)
		store, err := storage.Open(t.Context(), All, "sqlite", storage.Settings{DSN: file, Table: "webapp_session"})
		require.NoError(t, err, dsn)
		require.NoError(t, store.Close())
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Positive(t, info.Size(), "%s is the database", name)
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 6, "and there is no other file")
}
