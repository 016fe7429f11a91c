package databases

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/examples/webapp/internal/storage"
)

func TestMistakesInTheStore(t *testing.T) {
	kinds := append(All, storage.Memory)
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("no database at all ", 100)), 0o600))
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := nobody.Addr().String()
	require.NoError(t, nobody.Close())
	const mysqlDSN, postgresDSN, redisDSN = "root:secret@tcp(localhost)/test", "postgres://root:secret@localhost/test", "redis://root:secret@localhost"
	for _, test := range []struct{ store, dsn, want string }{
		{"paper", "", `-store: "paper": want one of sqlite, postgres, mysql, redis, memory`},
		{"paper", "a dsn", `-store: "paper": want one of`},
		{"memory", "sessions.db", "-dsn: want none with -store memory"},
		{"sqlite", postgresDSN, "-dsn: this is one of postgres, want with -store sqlite: the path of a file"},
		{"sqlite", mysqlDSN, "this is one of mysql"},
		{"sqlite", "rediss://root:secret@localhost", "this is one of redis"},
		{"sqlite", "file:sessions.db?mode=memory", "want the path of a file"},
		{"sqlite", ":memory:", "want the path of a file"},
		{"sqlite", filepath.Join(dir, "nowhere", "sessions.db"), "store sqlite: "},
		{"sqlite", dir, "store sqlite: "},
		{"sqlite", text, "file is not a database"},
		{"postgres", mysqlDSN, "this is one of mysql, want with -store postgres: postgres://user:password@host:5432/database"},
		{"postgres", redisDSN, "this is one of redis"},
		{"postgres", "file:sessions.db", "this is one of sqlite"},
		{"postgres", "secret", "-dsn: cannot be read, want with -store postgres: "},
		{"postgres", "postgres://root:se%cret@localhost", "-dsn: cannot be read"},
		{"postgres", "postgres://root:secret@" + address + "/test?sslmode=disable", "store postgres: "},
		{"mysql", postgresDSN, "this is one of postgres"},
		{"mysql", redisDSN, "this is one of redis"},
		{"mysql", "mysql://root:secret@localhost/test", "this is one of another form"},
		{"mysql", "secret", "-dsn: cannot be read, want with -store mysql: user:password@tcp(host:3306)/database"},
		{"mysql", "root:secret@tcp(" + address + ")/test", "store mysql: "},
		{"redis", postgresDSN, "this is one of postgres"},
		{"redis", mysqlDSN, "this is one of mysql"},
		{"redis", "secret", "-dsn: cannot be read, want with -store redis: redis://user:password@host:6379/0"},
		{"redis", "redis://root:secret@localhost:secret/0", "-dsn: cannot be read"},
		{"redis", "redis://root:secret@" + address, "store redis: "},
	} {
		_, err := storage.Open(t.Context(), kinds, test.store, storage.Settings{DSN: test.dsn, Table: "webapp_session"})
		require.ErrorContains(t, err, test.want, "%s %s", test.store, test.dsn)
		assert.NotContains(t, err.Error(), "secret", "no password is printed")
	}
	for _, store := range []string{"sqlite", "redis"} {
		s := storage.Settings{Table: "x{y}; DROP"}
		if store == "sqlite" {
			s.DSN = filepath.Join(dir, "sessions.db")
		}
		_, err = storage.Open(t.Context(), kinds, store, s)
		require.ErrorContains(t, err, "x{y}; DROP", store)
	}
}
