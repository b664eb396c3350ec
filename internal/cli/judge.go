package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/overview"
	"github.com/coppice-run/coppice/redisstate"
)

// unseen begins what is said of something that could not be looked at: it is not said to be well.
const unseen = "could not be looked at: "

// judgeDepots says which depots of a module have no topic.
func judgeDepots(f *findings, plan *module.Plan, kafka *kafkadepot.Facts) {
	for _, d := range plan.Depots {
		if d.PeriodMillis > 0 || d.Topic != "" || d.Mirror != nil {
			continue // it has none of its own
		}
		name := depot.TopicName(plan.Module, d.Name)
		if !slices.ContainsFunc(kafka.Topics, func(t kafkadepot.TopicFacts) bool { return t.Name == name }) {
			f.add(broken, "topic "+name, "there is none, and it is a depot of module "+plan.Module+"; or this user may not see it", "let the user describe it (Describe on the topic); if it is gone, restore it with its records: a new one halts the tasks that have read the old")
		}
	}
}

// judgeTopic says what may happen to the records of a topic.
func judgeTopic(f *findings, t *kafkadepot.TopicFacts, brokers int) {
	about, before := "topic "+t.Name, len(*f)
	meta := strings.HasPrefix(t.Depot, "__")
	if t.Unseen != "" {
		f.add(broken, about, unseen+t.Unseen, "make it again if it is gone, start the brokers that hold it, or let the user describe it (Describe on the topic)")
		return
	}
	if t.UnseenConfig != "" {
		f.add(risky, about, unseen+"how long it keeps records, and whether it is compacted: "+t.UnseenConfig, "let the user describe its configuration (DescribeConfigs on the topic), and look again")
	}
	if t.Leaderless > 0 {
		f.add(broken, about, count(t.Leaderless, "partition")+" without a leader", "start the brokers that hold its replicas")
	}
	if t.Replicas > t.InSync {
		f.add(risky, about, fmt.Sprintf("a partition has %d of %d replicas in sync", t.InSync, t.Replicas), "look after the brokers that lag behind")
	}
	if brokers > 1 && t.Replicas == 1 {
		f.add(risky, about, "one replica: a broker that is lost takes its records along", "give it 3 replicas, with min.insync.replicas 2")
	}
	if policy := t.Config["cleanup.policy"]; !meta && strings.Contains(policy, "compact") {
		f.add(broken, about, "it is compacted: it loses records", "set cleanup.policy=delete")
	}
	if policy := t.Config["cleanup.policy"]; t.Depot == "__meta" && policy != "" && policy != "compact" {
		f.add(broken, about, "cleanup.policy is "+policy+": options, start positions and the audit log are deleted in time", "set cleanup.policy=compact")
	}
	if t.Config["message.timestamp.type"] == "CreateTime" && !meta {
		f.add(broken, about, "it keeps the time of its producers, and positions by time need the broker's", "set message.timestamp.type=LogAppendTime")
	}
	if t.Config["unclean.leader.election.enable"] == "true" {
		f.add(risky, about, "unclean leader election: acknowledged records may be lost, and the tasks that read them halt", "set unclean.leader.election.enable=false")
	}
	if t.Replicas >= 3 && t.Config["min.insync.replicas"] == "1" {
		f.add(risky, about, "min.insync.replicas is 1: an append is acknowledged by one broker alone", "set min.insync.replicas=2")
	}
	if len(*f) == before {
		f.add(fine, about, fmt.Sprintf("%s, %s", count(t.Partitions, "partition"), count(t.Replicas, "replica")), "")
	}
}

// clockMax is how far clocks may be apart before it is worth a word: append times and what is
// measured against them are of several machines.
const clockMax = 500 * time.Millisecond

// judgeRedis says what may happen to the state that a master holds.
func judgeRedis(f *findings, s *redisstate.Facts) {
	about, before := "redis at "+s.Address, len(*f)
	if s.Error != "" {
		f.add(broken, about, s.Error, "start it, or let the user call INFO")
		return
	}
	if s.Policy != "" && s.Policy != "noeviction" {
		f.add(broken, about, "maxmemory-policy is "+s.Policy+": it deletes state when memory is full", "set maxmemory-policy noeviction")
	}
	if s.MaxBytes == 0 {
		f.add(risky, about, "no maxmemory: a full machine ends the server, instead of the sources stopping in time", "set maxmemory below what the machine has")
	} else if s.UsedBytes*10 > s.MaxBytes*8 {
		f.add(risky, about, fmt.Sprintf("%d %% of its memory is used", s.UsedBytes*100/s.MaxBytes), "give it more; sources stop before it is full")
	}
	switch {
	case s.AppendOnly || s.Saves || s.Replicas > 0:
	case s.UnseenSaves != "":
		f.add(risky, about, unseen+"whether it makes snapshots, for it has neither an append-only file nor a replica: "+s.UnseenSaves, "let the user call CONFIG GET (+config|get), and look again; or set appendonly yes")
	default:
		f.add(risky, about, "it writes nothing to disk and has no replica: a restart empties it, and the tasks halt", "set appendonly yes, or add a replica")
	}
	if s.UnseenClock != "" {
		f.add(risky, about, unseen+"its clock, and how long a round trip takes: "+s.UnseenClock, "let the user call TIME (+time), and look again")
	} else if ahead := time.Duration(s.ClockAheadMillis) * time.Millisecond; ahead > clockMax || ahead < -clockMax {
		f.add(risky, about, fmt.Sprintf("its clock is %v off this machine's", ahead), "have both follow a time server")
	}
	if len(*f) == before {
		f.add(fine, about, fmt.Sprintf("version %s, %s, a round trip takes %d µs", orUnknown(s.Version), count(s.Replicas, "replica"), s.RoundTripMicros), "")
	}
}

// judgeRetention compares how far sources are with what the topics keep.
func judgeRetention(ctx context.Context, f *findings, c *client.Client, m *overview.Module, kafka *kafkadepot.Facts) {
	for i := range kafka.Topics {
		t := &kafka.Topics[i]
		if t.Module != m.Name || strings.HasPrefix(t.Depot, "__") {
			continue
		}
		about := "depot " + m.Name + "." + t.Depot
		limited := limit(t.Config["retention.ms"]) || limit(t.Config["retention.bytes"])
		if limited {
			f.add(risky, about, fmt.Sprintf("it has a retention (retention.ms %s, retention.bytes %s): records that are not processed in time are lost, and their tasks halt", t.Config["retention.ms"], t.Config["retention.bytes"]), "set retention.ms=-1 and retention.bytes=-1; 'coppice' trims depots no further than sources are")
		}
		for _, topology := range m.Topologies {
			for _, s := range topology.Sources {
				if s.Depot != t.Depot || !limited {
					continue
				}
				for _, p := range s.Partitions {
					if !p.Begun || p.Lag == 0 {
						continue
					}
					held, err := c.PartitionInfo(ctx, m.Name, t.Depot, int(p.Partition))
					switch {
					case err != nil:
						f.add(broken, about, unseen+"how far partition "+fmt.Sprint(p.Partition)+" goes: "+err.Error(), "start the brokers, or let the user describe and read the topic")
					case p.Next < held.Start:
						f.add(broken, about, fmt.Sprintf("partition %d begins at offset %d, and %s/%s is at %d: %d records are lost", p.Partition, held.Start, topology.Name, s.Name, p.Next, held.Start-p.Next), "restore the records, or go on behind them: the task says how")
					case p.End > held.Start && (p.Next-held.Start)*5 < p.End-held.Start:
						f.add(risky, about, fmt.Sprintf("partition %d: %s/%s is in the oldest fifth of what the topic keeps, with %d records to do", p.Partition, topology.Name, s.Name, p.Lag), "raise the retention before they are gone, or let it catch up")
					}
				}
			}
		}
	}
}

// limit reports whether a value of a retention is one.
func limit(value string) bool { return value != "" && value != "-1" }
