package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/overview"
	"github.com/coppice-run/coppice/redisstate"
)

// unseen begins what is said of something that could not be looked at: it is not said to be well.
const unseen = "could not be looked at: "

// judgeDepots says which depots of a module have no topic, and which topics of others it uses that
// there are not.
func judgeDepots(f *findings, plan *module.Plan, kafka *kafkadepot.Facts) {
	missing := func(name string) bool {
		return !slices.ContainsFunc(kafka.Topics, func(t kafkadepot.TopicFacts) bool { return t.Name == name })
	}
	for _, d := range plan.Depots {
		if d.PeriodMillis > 0 || d.Topic != "" || d.Mirror != nil {
			continue // it has none of its own
		}
		if name := depot.TopicName(plan.Module, d.Name); missing(name) {
			f.add(broken, "topic "+name, "there is none, and it is a depot of module "+plan.Module+"; or this user may not see it", "let the user describe it (Describe on the topic); if it is gone, restore it with its records: a new one halts the tasks that have read the old")
		}
	}
	for _, name := range topicsOfOthers(plan) {
		if missing(name) {
			f.add(broken, "topic "+name, "there is none, and module "+plan.Module+" uses it, as a topic of others; or this user may not see it", "let the user describe it (Describe on the topic), or have those make it whose it is")
		}
	}
}

// topicsOfOthers are those that a module reads or writes.
func topicsOfOthers(plan *module.Plan) []string {
	names := plan.ReadTopics()
	for _, t := range plan.Topics {
		if !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	return names
}

// judgeTopic says what may happen to the records of a topic.
func judgeTopic(f *findings, t *kafkadepot.TopicFacts, brokers int) {
	about, before := "topic "+t.Name, len(*f)
	meta, others := strings.HasPrefix(t.Depot, "__"), t.Module == ""
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
	if policy := t.Config["cleanup.policy"]; !meta && !others && strings.Contains(policy, "compact") {
		f.add(broken, about, "it is compacted: it loses records", "set cleanup.policy=delete")
	}
	if policy := t.Config["cleanup.policy"]; t.Depot == "__meta" && policy != "" && policy != "compact" {
		f.add(broken, about, "cleanup.policy is "+policy+": options, start positions and the audit log are deleted in time", "set cleanup.policy=compact")
	}
	if t.Config["message.timestamp.type"] == "CreateTime" && !meta && !others {
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

// judgeRetention compares how far sources are with what the topics keep that they read: those of
// others, and of mirrored depots, too. That topics of others keep records for a time is as it
// should be; depots of the module do not.
func judgeRetention(ctx context.Context, f *findings, log depot.Log, plan *module.Plan, m *overview.Module, kafka *kafkadepot.Facts) {
	for i := range kafka.Topics {
		t := &kafka.Topics[i]
		if t.Module == m.Name && !strings.HasPrefix(t.Depot, "__") && limited(t) {
			f.add(risky, "depot "+m.Name+"."+t.Depot, fmt.Sprintf("it has a retention (retention.ms %s, retention.bytes %s): records that are not processed in time are lost, and their tasks halt", t.Config["retention.ms"], t.Config["retention.bytes"]), "set retention.ms=-1 and retention.bytes=-1; 'coppice' trims depots no further than sources are")
		}
	}
	for _, topology := range m.Topologies {
		for i := range topology.Sources {
			s := &topology.Sources[i]
			name, about := readFrom(plan, topology.Name, s.Name)
			at := slices.IndexFunc(kafka.Topics, func(t kafkadepot.TopicFacts) bool { return t.Name == name && limited(&t) })
			if at >= 0 {
				judgeLag(ctx, f, log, s, topology.Name, name, about)
			}
		}
	}
}

// readFrom is the topic that a source reads, and how it is spoken of.
func readFrom(plan *module.Plan, topology, source string) (name, about string) {
	for _, stream := range plan.Streams {
		for _, s := range stream.Sources {
			switch {
			case stream.Name != topology || s.Name != source:
			case s.Depot.Topic != "":
				return s.Depot.Topic, "topic " + s.Depot.Topic
			default:
				of, depotName := s.Depot.Home(plan.Module)
				return depot.TopicName(of, depotName), "depot " + of + "." + depotName
			}
		}
	}
	return "", ""
}

// judgeLag compares how far a source is with what a topic keeps.
func judgeLag(ctx context.Context, f *findings, log depot.Log, s *overview.Source, topology, topic, about string) {
	for _, p := range s.Partitions {
		if !p.Begun || p.Lag == 0 {
			continue
		}
		start, _, err := log.Bounds(ctx, topic, p.Partition)
		switch {
		case err != nil:
			f.add(broken, about, fmt.Sprintf("%show far partition %d goes: %v", unseen, p.Partition, err), "start the brokers, or let the user describe and read the topic")
		case p.Next < start:
			f.add(broken, about, fmt.Sprintf("partition %d begins at offset %d, and %s/%s is at %d: %s lost", p.Partition, start, topology, s.Name, p.Next, areOr(start-p.Next)), "restore the records, or go on behind them: the task says how")
		case p.End > start && (p.Next-start)*5 < p.End-start:
			f.add(risky, about, fmt.Sprintf("partition %d: %s/%s is in the oldest fifth of what the topic keeps, with %s to do", p.Partition, topology, s.Name, count(int(p.Lag), "record")), "raise the retention before they are gone, or let it catch up")
		}
	}
}

// areOr words that so many records are.
func areOr(n int64) string {
	if n == 1 {
		return "1 record is"
	}
	return fmt.Sprintf("%d records are", n)
}

// limited reports whether a topic keeps records for a time, or so many bytes of them.
func limited(t *kafkadepot.TopicFacts) bool {
	return limit(t.Config["retention.ms"]) || limit(t.Config["retention.bytes"])
}

// limit reports whether a value of a retention is one.
func limit(value string) bool { return value != "" && value != "-1" }
