//go:build cgo

package integration

import (
	_ "github.com/mattn/go-sqlite3"

	"github.com/mooring-go/mooring/session/sqlstore"
)

func init() {
	engines = append(engines, engine{"SQLite by mattn", sqlstore.SQLite, "sqlite3",
		file("?_busy_timeout=" + busyMilliseconds + "&_journal_mode=WAL&_synchronous=NORMAL"), "SQLite", false})
}
