package chaos

import (
	"slices"
	"time"
)

// Kind is what a fault does.
type Kind string

const (
	WorkerKill   Kind = "worker-kill"   // SIGKILL, and a new start
	WorkerPause  Kind = "worker-pause"  // SIGSTOP for longer than the session with Kafka
	RedisCut     Kind = "redis-cut"     // connections end, at once or in the middle of a message
	RedisStall   Kind = "redis-stall"   // bytes stop, connections stay
	RedisRestart Kind = "redis-restart" // SIGTERM, and a new start with its data
	RedisKill    Kind = "redis-kill"    // SIGKILL, and a new start with its data
	RedisTail    Kind = "redis-tail"    // SIGKILL, the last writes are not on the disk, and a new start
	RedisPromote Kind = "redis-promote" // a replica without the last writes becomes master; for a while there are two
	RedisFull    Kind = "redis-full"    // no memory: writes are refused
	KafkaCut     Kind = "kafka-cut"
	KafkaStall   Kind = "kafka-stall"
	KafkaRestart Kind = "kafka-restart"
	KafkaKill    Kind = "kafka-kill"
)

// Kinds are all kinds.
func Kinds() []Kind {
	return []Kind{WorkerKill, WorkerPause, RedisCut, RedisStall, RedisRestart, RedisKill, RedisTail, RedisPromote, RedisFull,
		KafkaCut, KafkaStall, KafkaRestart, KafkaKill}
}

// victim is what a fault hits.
type victim uint8

const (
	worker victim = iota
	redis
	kafka
)

// trait is what the plan has to know of a kind.
type trait struct {
	hits victim
	// cuts leave the victim as it was: they go beside other faults.
	cuts bool
	// down says that the victim is away: there is nothing to cut.
	down bool
	// From and until bound how long the fault lasts, until its mending begins.
	from, until time.Duration
	// Mends is about how long the mending takes: what is started has to come up.
	mends time.Duration
}

// The session with Kafka is added to the pause of a worker.
var traits = map[Kind]trait{
	WorkerKill:   {hits: worker, down: true, from: 200 * time.Millisecond, until: 3 * time.Second, mends: time.Second},
	WorkerPause:  {hits: worker, down: true, from: time.Second, until: 4 * time.Second},
	RedisCut:     {hits: redis, cuts: true, from: 300 * time.Millisecond, until: time.Second},
	RedisStall:   {hits: redis, from: 300 * time.Millisecond, until: 8 * time.Second},
	RedisRestart: {hits: redis, down: true, from: 0, until: 2 * time.Second, mends: time.Second},
	RedisKill:    {hits: redis, down: true, from: 0, until: 2 * time.Second, mends: time.Second},
	RedisTail:    {hits: redis, down: true, from: 300 * time.Millisecond, until: 2 * time.Second, mends: time.Second},
	RedisPromote: {hits: redis, from: 600 * time.Millisecond, until: 4 * time.Second, mends: time.Second},
	RedisFull:    {hits: redis, from: 500 * time.Millisecond, until: 5 * time.Second},
	KafkaCut:     {hits: kafka, cuts: true, from: 300 * time.Millisecond, until: time.Second},
	KafkaStall:   {hits: kafka, from: 300 * time.Millisecond, until: 8 * time.Second},
	KafkaRestart: {hits: kafka, down: true, from: 0, until: 2 * time.Second, mends: 2500 * time.Millisecond},
	KafkaKill:    {hits: kafka, down: true, from: 0, until: 2 * time.Second, mends: 6 * time.Second},
}

// together says whether a fault may begin while others are under way, of so many workers.
func together(underWay []Fault, next Fault, workers int) bool {
	mine := traits[next.Kind]
	if mine.hits == worker {
		return workersTogether(underWay, next, workers)
	}
	return !slices.ContainsFunc(underWay, func(f Fault) bool {
		its := traits[f.Kind]
		if its.hits != mine.hits {
			return false
		}
		if mine.cuts || its.cuts {
			return mine.down || its.down
		}
		return true
	})
}

func workersTogether(underWay []Fault, next Fault, workers int) bool {
	busy := 0
	for _, f := range underWay {
		if traits[f.Kind].hits != worker {
			continue
		}
		if f.Target == next.Target {
			return false
		}
		busy++
	}
	return busy < max(workers-1, 1)
}
