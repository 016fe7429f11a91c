// Databases is the example webapp with stores that outlive the program. By default
// sessions are kept in a SQLite file of the user's own, so that a restart signs
// nobody out:
//
//	go run ./examples/webapp/databases
//
// Several processes can share a store, on one machine the file too: start it twice,
// and end on one what was signed in on the other. With servers:
//
//	go run ./examples/webapp/databases -store postgres -dsn 'postgres://app:password@db.internal/app'
//	go run ./examples/webapp/databases -store mysql -dsn 'app:password@tcp(db.internal:3306)/app'
//	go run ./examples/webapp/databases -store redis -dsn 'redis://:password@redis.internal:6379/0'
package main

import (
	"github.com/mooring-go/mooring/examples/webapp/internal/databases"
	"github.com/mooring-go/mooring/examples/webapp/internal/site"
	"github.com/mooring-go/mooring/examples/webapp/internal/storage"
)

func main() {
	site.Main(append(databases.All, storage.Memory)...)
}
