// Package redisstate keeps the slots of tasks in Redis: package store on a
// single server or on Redis Cluster, version 7.0 or newer.
//
// Each session has one connection that it never renews: a session whose
// connection broke is over, and its owner takes the slot anew. A commit is one
// write and one round trip (R7):
//
//	MULTI  UNLINK… SET… HSET… HDEL… ZADD… ZREM…  SET {tag}:head <new>  EXEC
//	WATCH {tag}:head
//	GET {tag}:head
//
// Nothing but take-overs and guarded commits ever writes, so the client
// library's habit of sending a command again after a lost reply can do no harm
// (R12): here it is off, and reads from pooled connections may be repeated.
//
// docs/formats/redis.md draws the keys.
package redisstate
