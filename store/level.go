package store

import (
	"fmt"
	"strconv"
	"strings"
)

// Level says where a commit must be before anything that rests on it leaves its
// task: hops, acks, answers to appenders (R40). Readers of the master see the data
// before that. The zero Level is Applied.
type Level struct {
	// Replicas is how many replicas must have the commit, in memory; with Fsynced,
	// on disk.
	Replicas int
	// Fsynced asks for the commit on the master's disk. It needs Redis 7.2 or newer
	// with appendonly yes; unless appendfsync is always, each commit waits for the
	// next fsync, up to one second.
	Fsynced bool
}

// Applied is the level of a commit that the master has answered: a master that is
// lost takes its last commits along, and their records run again.
var Applied = Level{}

// Replicated is the level of a commit that n replicas have. With several masters,
// trees that span them keep what they promise when a master is lost if n is the
// number of replicas of each: a failover may pick the one that did not answer.
func Replicated(n int) Level { return Level{Replicas: n} }

// Fsynced is the level of a commit that is on the master's disk.
var Fsynced = Level{Fsynced: true}

// String prints the level as ParseLevel reads it.
func (l Level) String() string {
	switch {
	case l.Fsynced && l.Replicas > 0:
		return "fsynced " + strconv.Itoa(l.Replicas)
	case l.Fsynced:
		return "fsynced"
	case l.Replicas > 0:
		return "replicated " + strconv.Itoa(l.Replicas)
	default:
		return "applied"
	}
}

// ParseLevel reads "applied", "replicated N", "fsynced" (the master's disk) or
// "fsynced N" (the master's disk and those of N replicas); N is 1 to 16.
func ParseLevel(text string) (Level, error) {
	name, count, counted := strings.Cut(text, " ")
	n := 0
	if counted {
		var err error
		if n, err = strconv.Atoi(count); err != nil || n < 1 || n > replicasMax {
			return Level{}, errLevel(text)
		}
	}
	switch {
	case name == "applied" && !counted:
		return Applied, nil
	case name == "replicated" && counted:
		return Replicated(n), nil
	case name == "fsynced":
		return Level{Replicas: n, Fsynced: true}, nil
	default:
		return Level{}, errLevel(text)
	}
}

// replicasMax is more replicas than a master has.
const replicasMax = 16

func errLevel(text string) error {
	return fmt.Errorf("%q is no durability level: want applied, replicated N, fsynced or fsynced N, with N from 1 to %d", text, replicasMax)
}
