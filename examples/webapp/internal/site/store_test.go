package site

import (
	"context"
	"crypto/rand"
	"database/sql"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A restart keeps everyone signed in, and tells what ended shortly before.
func TestARestartKeepsUsersSignedIn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sessions.db")
	first := start(t, "-dsn="+file)
	ada1, ada2, gone := first.visitor(), first.visitor(), first.visitor()
	ada1.signIn("ada", ada, "yes")
	ada2.signIn("ada", ada, "no")
	gone.signIn("grace", grace, "no")
	stolen := gone.held()
	gone.post("/logout")
	assert.Contains(t, first.end(), "Sessions are kept in SQLite: "+file)

	second := start(t, "-dsn="+file)
	for _, v := range []*visitor{ada1, ada2, gone} {
		v.url = second.url
	}
	assert.Equal(t, "/", ada1.get("/").path, "the session outlived the process")
	home := ada2.get("/")
	assert.Equal(t, "/", home.path)
	require.Len(t, others(home), 1)
	gone.hold(stolen)
	assert.Equal(t, "/login", gone.get("/").path, "and so did the ending")
	ada2.post("/sessions/end", "session", others(home)[0])
	assert.Contains(t, ada1.get("/").html, "You were signed out here from another device.")
	second.end()
}

// What is killed in the midst of all keeps everyone signed in as well.
func TestACrashKeepsUsersSignedIn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sessions.db")
	first := start(t, "-dsn="+file)
	v := first.visitor()
	v.signIn("ada", ada, "yes")
	require.NoError(t, first.command.Process.Kill())
	_ = first.command.Wait()
	v.url = start(t, "-dsn="+file).url
	assert.Equal(t, "/", v.get("/").path)
}

// What one process ends, the other shows to the user at once. The endings that
// the store keeps are told once, by one of the two.
func TestTwoProcessesOnOneStore(t *testing.T) {
	for _, store := range []string{"sqlite", "postgres", "mysql", "redis"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			args := ownStore(t, store)
			here, there := start(t, args...), start(t, args...)
			laptop, phone := here.visitor(), there.visitor()
			phone.signIn("ada", ada, "yes")
			next := phone.stream("")
			assert.Equal(t, "Signed in on a new device", next().title(t))

			home := laptop.signIn("ada", ada, "no")
			require.Len(t, others(home), 1, "what was signed in there is seen here")
			laptop.post("/sessions/end", "session", others(home)[0])

			// The page that is open on the phone is told; the script on it then
			// loads the page again.
			for m := next(); m.event != "ended"; m = next() {
				require.NotEmpty(t, m.event, "the stream is over, and it did not say that the session is")
			}
			page := phone.get("/")
			assert.Equal(t, "/login", page.path)
			assert.Contains(t, page.html, "You were signed out here from another device.")
			assert.Equal(t, "/", laptop.get("/").path)

			// Signing in there ends the others here, if it is so set.
			phone.signIn("ada", ada, "no")
			phone.post("/sessions/end-others")
			assert.Equal(t, "/login", laptop.get("/").path)

			const told = "action=logout cause=revoked"
			assert.Eventually(t, func() bool { return here.prints(told)+there.prints(told) >= 2 }, time.Minute, 50*time.Millisecond)
			here.end()
			there.end()
			assert.Equal(t, 2, here.prints(told)+there.prints(told), "each ending is told once")
		})
	}
}

// ownStore returns the flags for a store of the test's own, emptied when it is
// over. Where its server is missing, the test is skipped or, with
// MOORING_REQUIRE_SERVERS=1, fails.
func ownStore(t *testing.T, store string) []string {
	t.Helper()
	table := "webapp_" + strings.ToLower(rand.Text()[:12])
	args := []string{"-store=" + store, "-table=" + table}
	switch store {
	case "sqlite":
		return append(args, "-dsn="+filepath.Join(t.TempDir(), "sessions.db"))
	case "redis":
		address := os.Getenv("MOORING_REDIS_ADDR")
		if address == "" {
			address = "127.0.0.1:6379"
		}
		client := redis.NewClient(&redis.Options{Addr: address, DialerRetries: 1})
		needs(t, "Redis (MOORING_REDIS_ADDR)", client.Ping(t.Context()).Err())
		t.Cleanup(func() {
			keys := client.Scan(context.Background(), 0, table+":*", 1000).Iterator()
			for keys.Next(context.Background()) {
				_ = client.Unlink(context.Background(), keys.Val()).Err()
			}
			_ = client.Close()
		})
		return append(args, "-dsn=redis://"+address)
	case "postgres":
		dsn := os.Getenv("MOORING_POSTGRES_DSN")
		if dsn == "" {
			dsn = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"
		}
		dropLater(t, "pgx", dsn, "PostgreSQL (MOORING_POSTGRES_DSN)", table)
		return append(args, "-dsn="+dsn)
	default:
		dsn := os.Getenv("MOORING_MYSQL_DSN")
		if dsn == "" {
			dsn = "root@tcp(127.0.0.1:3306)/test"
		}
		_ = mysql.SetLogger(quiet{}) // the driver writes of each lost connection to the standard error
		dropLater(t, "mysql", dsn, "MySQL or MariaDB (MOORING_MYSQL_DSN)", table)
		return append(args, "-dsn="+dsn)
	}
}

type quiet struct{}

func (quiet) Print(...any) {}

func dropLater(t *testing.T, driver, dsn, what, table string) {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	needs(t, what, db.PingContext(t.Context()))
	t.Cleanup(func() {
		for _, name := range []string{"", "_journal", "_lock", "_change", "_schema"} {
			_, _ = db.ExecContext(context.Background(), "DROP TABLE IF EXISTS "+table+name)
		}
		_ = db.Close()
	})
}

func needs(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("MOORING_REQUIRE_SERVERS") == "1" {
		t.Fatalf("missing: %s: %v", what, err)
	}
	t.Skipf("missing: %s: %v", what, err)
}

func TestTheDefaultFileIsTheUsersOwn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes of files are another thing there")
	}
	mode := func(path string) os.FileMode {
		t.Helper()
		info, err := os.Stat(path)
		require.NoError(t, err)
		return info.Mode().Perm()
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", "")
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	dir := filepath.Join(cache, "mooring-webapp")
	require.NoError(t, os.MkdirAll(dir, 0o755)) // as somebody else may have made it
	program := start(t)
	program.visitor().signIn("ada", ada, "no")
	assert.Equal(t, os.FileMode(0o700), mode(dir))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries { // the database, its log and its index
		assert.Equal(t, os.FileMode(0o600), mode(filepath.Join(dir, entry.Name())), entry.Name())
	}
	assert.Contains(t, program.end(), "Sessions are kept in SQLite: "+filepath.Join(dir, "sessions.db"))
}

func TestWithSessionsInMemoryNothingIsWritten(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	program := start(t, "-store=memory")
	program.visitor().signIn("ada", ada, "no")
	assert.Contains(t, program.end(), "Sessions are kept in memory, until this program ends")
	entries, err := os.ReadDir(home)
	require.NoError(t, err)
	assert.Empty(t, entries)
}
