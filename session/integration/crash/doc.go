// Package crash holds tests alone: it has processes sign users in and end
// sessions, and lets disaster strike them at random moments. Then it checks that
// what a store had confirmed before is in the store, with its ending in the
// journal, and that nothing that ended lives.
//
//   - The process is killed with SIGKILL, on SQLite, PostgreSQL, MySQL or MariaDB,
//     and Redis.
//   - The server is killed with SIGKILL, with all its processes: PostgreSQL with
//     its default settings, and Redis with appendfsync always. Both are the test's
//     own.
//   - The network between the two is cut, with what is under way, and restored.
//
// Servers are found as in package integration. MOORING_CRASH_ROUNDS is how often
// each happens to each store; a few times if it is not set. The long version, from
// the root of the repository:
//
//	MOORING_CRASH_ROUNDS=300 go test -v -timeout 3h ./session/integration/crash
package crash
