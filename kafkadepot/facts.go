package kafkadepot

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Facts are what brokers tell of themselves and of the topics of modules: for tools that judge
// an installation.
type Facts struct {
	Brokers []string     `json:"brokers"` // addresses
	Version string       `json:"version"` // the oldest of them, as their protocol shows it
	Topics  []TopicFacts `json:"topics"`  // those of modules, by name
}

// TopicFacts are what is known of a topic.
type TopicFacts struct {
	Name       string `json:"name"`
	Module     string `json:"module"` // "": a topic of others
	Depot      string `json:"depot"`  // or __meta and its like
	Partitions int    `json:"partitions"`
	Replicas   int    `json:"replicas"`   // the fewest of a partition
	InSync     int    `json:"inSync"`     // the fewest of a partition
	Leaderless int    `json:"leaderless"` // partitions without a leader
	// Config holds what matters for records that are kept: cleanup.policy, retention.ms,
	// retention.bytes, message.timestamp.type, min.insync.replicas, unclean.leader.election.enable.
	Config map[string]string `json:"config"`
	// Unseen is why it could not be looked at, and UnseenConfig why its configuration could not:
	// what is missing here is not known then.
	Unseen       string `json:"unseen,omitempty"`
	UnseenConfig string `json:"unseenConfig,omitempty"`
}

// keeping are the options of topics that say how records are kept.
var keeping = []string{"cleanup.policy", "retention.ms", "retention.bytes", "message.timestamp.type", "min.insync.replicas", "unclean.leader.election.enable"}

// Facts asks the brokers. Where a topic, or its configuration, is not told it says why; topics
// that Kafka hides from a user are missing.
func (l *Log) Facts(ctx context.Context) (Facts, error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.CheckTimeout)
	defer cancel()
	out := Facts{Topics: []TopicFacts{}}
	metadata, err := l.admin.Metadata(ctx)
	if err != nil {
		return out, l.unreachable(err)
	}
	for _, b := range metadata.Brokers {
		out.Brokers = append(out.Brokers, b.Host)
	}
	slices.Sort(out.Brokers)
	if versions, err := l.admin.ApiVersions(ctx); err == nil {
		versions.Each(func(v kadm.BrokerApiVersions) {
			if guess := v.VersionGuess(); v.Err == nil && (out.Version == "" || guess < out.Version) {
				out.Version = guess
			}
		})
	}
	out.Topics = l.topics(ctx, metadata, func(name string) bool {
		parts := strings.Split(name, ".")
		return len(parts) == 3 && parts[0] == "coppice"
	})
	return out, nil
}

// TopicFacts asks the brokers about topics of others, which are of no module; those that there are
// not, or that Kafka hides from a user, are missing.
func (l *Log) TopicFacts(ctx context.Context, names ...string) ([]TopicFacts, error) {
	if len(names) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.config.CheckTimeout)
	defer cancel()
	metadata, err := l.admin.Metadata(ctx) // of all: one that is asked for by name might be made
	if err != nil {
		return nil, l.unreachable(err)
	}
	all := l.topics(ctx, metadata, func(name string) bool { return slices.Contains(names, name) })
	for i := range all {
		all[i].Module, all[i].Depot = "", ""
	}
	return all, nil
}

// topics are the facts of those that are wanted, by name.
func (l *Log) topics(ctx context.Context, metadata kadm.Metadata, wanted func(string) bool) []TopicFacts {
	all, names := []TopicFacts{}, []string{}
	for name, d := range metadata.Topics {
		if !wanted(name) || errors.Is(d.Err, kerr.UnknownTopicOrPartition) { // one that is being deleted
			continue
		}
		module, depotName, _ := strings.Cut(strings.TrimPrefix(name, "coppice."), ".")
		t := topicFacts(name, module, depotName, d)
		if d.Err != nil {
			t.Unseen = l.config.access(d.Err).Error()
		} else {
			names = append(names, name)
		}
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b TopicFacts) int { return strings.Compare(a.Name, b.Name) })
	if len(names) == 0 {
		return all
	}
	configs, err := l.admin.DescribeTopicConfigs(ctx, names...)
	for i := range all {
		if t := &all[i]; t.Unseen == "" {
			l.configFacts(t, configs, err)
		}
	}
	return all
}

// configFacts tells how a topic is configured, or why that is not known: failure is of all.
func (l *Log) configFacts(t *TopicFacts, configs kadm.ResourceConfigs, failure error) {
	described, err := configs.On(t.Name, nil)
	if err = cmp.Or(failure, err, described.Err); err != nil {
		t.UnseenConfig = l.config.access(err).Error()
		return
	}
	for _, c := range described.Configs {
		if slices.Contains(keeping, c.Key) {
			t.Config[c.Key] = c.MaybeValue()
		}
	}
}

func topicFacts(name, module, depotName string, d kadm.TopicDetail) TopicFacts {
	t := TopicFacts{Name: name, Module: module, Depot: depotName, Partitions: len(d.Partitions), Config: map[string]string{}}
	for _, p := range d.Partitions {
		if t.Replicas == 0 || len(p.Replicas) < t.Replicas {
			t.Replicas = len(p.Replicas)
		}
		if t.InSync == 0 || len(p.ISR) < t.InSync {
			t.InSync = len(p.ISR)
		}
		if p.Leader < 0 {
			t.Leaderless++
		}
	}
	return t
}
