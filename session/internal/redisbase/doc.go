// Package redisbase is a store of sessions in Redis or Valkey without a client: its
// scripts, keys, values and steps. The packages redisstore and rueidisstore, each a module
// of its own, have one client each, and document what a host sees. A host of one has
// nothing of the other, not even in its module graph.
package redisbase
