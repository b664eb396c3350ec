package kafkadepot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/coppice-run/coppice/depot"
)

// visiblePause is how long to wait before looking again for a topic that was
// just made: the brokers hear of it one after another.
const visiblePause = 5 * time.Millisecond

// Ensure makes the topic of a depot, or checks the one that exists.
func (l *Log) Ensure(ctx context.Context, spec depot.TopicSpec) (depot.Topic, error) {
	for try := 1; ; try++ {
		topic, err := l.ensure(ctx, spec)
		// A broker that has not heard yet that a topic was deleted, or made, shows one
		// that another does not know.
		if !errors.Is(err, kerr.UnknownTopicOrPartition) || try == ensureTries {
			return topic, err
		}
		select {
		case <-ctx.Done():
			return topic, err
		case <-time.After(time.Duration(try) * visiblePause):
		}
	}
}

// ensureTries is how often brokers that disagree about a topic are asked.
const ensureTries = 20

func (l *Log) ensure(ctx context.Context, spec depot.TopicSpec) (depot.Topic, error) {
	name := depot.TopicName(spec.Module, spec.Depot)
	topic, err := l.find(ctx, name)
	if err != nil {
		return depot.Topic{}, err
	}
	if topic.Partitions == 0 {
		if err := l.create(ctx, name, int32(spec.Partitions), depotConfigs()); err != nil {
			return depot.Topic{}, err
		}
		if topic, err = l.await(ctx, name); err != nil {
			return depot.Topic{}, err
		}
	}
	if topic.Partitions != spec.Partitions {
		return depot.Topic{}, fmt.Errorf("%w: topic %s has %d partitions, and the module has %d tasks; start it with %d tasks, or under another name",
			depot.ErrWrongPartitions, name, topic.Partitions, spec.Partitions, topic.Partitions)
	}
	return topic, l.checkConfigs(ctx, name)
}

// depotConfigs are those of a depot: broker time (T29), no retention (T22).
func depotConfigs() map[string]*string {
	return map[string]*string{
		"message.timestamp.type": kadm.StringPtr("LogAppendTime"),
		"retention.ms":           kadm.StringPtr("-1"),
		"retention.bytes":        kadm.StringPtr("-1"),
		"cleanup.policy":         kadm.StringPtr("delete"),
		"max.message.bytes":      kadm.StringPtr(strconv.Itoa(batchBytesMax)),
	}
}

// create makes a topic; one that somebody else has made meanwhile is as good.
func (l *Log) create(ctx context.Context, name string, partitions int32, configs map[string]*string) error {
	_, err := l.admin.CreateTopic(ctx, partitions, l.config.ReplicationFactor, configs, name)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return l.failed("making topic "+name, err)
	}
	return nil
}

// Make makes a topic that is no depot, with the brokers' own settings: for tests and
// examples, since such a topic belongs to others. One that exists is as good.
func (l *Log) Make(ctx context.Context, name string, partitions int) error {
	if err := l.create(ctx, name, int32(partitions), nil); err != nil {
		return err
	}
	_, err := l.await(ctx, name)
	return err
}

// find looks a topic up, and waits for leaders that are being elected; one that
// does not exist has no partitions.
func (l *Log) find(ctx context.Context, name string) (topic depot.Topic, err error) {
	err = l.patiently(ctx, func(ctx context.Context) (err error) {
		topic, err = l.look(ctx, name)
		return err
	})
	return topic, err
}

// look looks a topic up once. A partition without a leader is an error: the topic
// is there, and nobody can say yet what it holds.
func (l *Log) look(ctx context.Context, name string) (depot.Topic, error) {
	details, err := within(ctx, func(ctx context.Context) (kadm.TopicDetails, error) { return l.admin.ListTopics(ctx, name) })
	if err != nil {
		return depot.Topic{}, l.failed("looking up topic "+name, err)
	}
	d, ok := details[name]
	if !ok || errors.Is(d.Err, kerr.UnknownTopicOrPartition) {
		return depot.Topic{Name: name}, nil
	}
	if d.Err != nil {
		return depot.Topic{}, l.failed("looking up topic "+name, d.Err)
	}
	for _, p := range d.Partitions {
		if p.Err == nil && p.Leader < 0 {
			p.Err = kerr.LeaderNotAvailable
		}
		if p.Err != nil {
			return depot.Topic{}, l.failed(fmt.Sprintf("looking up topic %s partition %d", name, p.Partition), p.Err)
		}
	}
	return depot.Topic{Name: name, ID: d.ID, Partitions: len(d.Partitions)}, nil
}

// patiently asks until the answer is not one that passes by itself, such as that a
// leader is being elected: for Config.CheckTimeout at most.
func (l *Log) patiently(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, l.config.CheckTimeout)
	defer cancel()
	for try := 1; ; try++ {
		err := ask(ctx)
		if err == nil || !electing(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retryPause(try)):
		}
	}
}

// electing reports whether an answer passes by itself. That a topic or partition is
// unknown may be for good.
func electing(err error) bool {
	return kerr.IsRetriable(err) && !errors.Is(err, kerr.UnknownTopicOrPartition) && !errors.Is(err, kerr.UnknownTopicID)
}

// await waits until a topic that was made is seen with a leader everywhere.
func (l *Log) await(ctx context.Context, name string) (depot.Topic, error) {
	for {
		topic, err := l.look(ctx, name)
		if err != nil && !electing(err) || topic.Partitions > 0 {
			return topic, err
		}
		select {
		case <-ctx.Done():
			return depot.Topic{}, l.failed("waiting for the leaders of topic "+name, ctx.Err())
		case <-time.After(visiblePause):
		}
	}
}

// checkConfigs refuses a topic that would lose records in silence.
func (l *Log) checkConfigs(ctx context.Context, name string) error {
	configs, err := l.admin.DescribeTopicConfigs(ctx, name)
	if err != nil {
		return l.failed("reading the configuration of topic "+name, err)
	}
	described, err := configs.On(name, nil)
	if err != nil {
		return l.failed("reading the configuration of topic "+name, err)
	}
	if described.Err != nil {
		return l.failed("reading the configuration of topic "+name, described.Err)
	}
	var wrong []error
	for _, c := range described.Configs {
		if c.Key == "cleanup.policy" && strings.Contains(c.MaybeValue(), "compact") {
			wrong = append(wrong, fmt.Errorf("topic %s is compacted: it would lose records; set cleanup.policy=delete", name))
		}
		if c.Key == "message.timestamp.type" && c.MaybeValue() == "CreateTime" {
			wrong = append(wrong, fmt.Errorf("topic %s keeps the time of its producers, and positions by time need the broker's; set message.timestamp.type=LogAppendTime", name))
		}
	}
	return errors.Join(wrong...)
}

// Topics lists the depots that exist.
func (l *Log) Topics(ctx context.Context, module string) ([]depot.TopicSpec, error) {
	details, err := within(ctx, func(ctx context.Context) (kadm.TopicDetails, error) { return l.admin.ListTopics(ctx) })
	if err != nil {
		return nil, l.failed("listing topics", err)
	}
	var specs []depot.TopicSpec
	for name, d := range details {
		parts := strings.Split(name, ".")
		if len(parts) != 3 || parts[0] != "coppice" || parts[2] == metaDepot || parts[2] == groupDepot || parts[2] == positionsDepot || d.Err != nil || module != "" && parts[1] != module {
			continue
		}
		specs = append(specs, depot.TopicSpec{Module: parts[1], Depot: parts[2], Partitions: len(d.Partitions)})
	}
	slices.SortFunc(specs, func(a, b depot.TopicSpec) int {
		return strings.Compare(depot.TopicName(a.Module, a.Depot), depot.TopicName(b.Module, b.Depot))
	})
	return specs, nil
}

// Modules lists the modules that have a meta topic.
func (l *Log) Modules(ctx context.Context) ([]string, error) {
	details, err := within(ctx, func(ctx context.Context) (kadm.TopicDetails, error) { return l.admin.ListTopics(ctx) })
	if err != nil {
		return nil, l.failed("listing topics", err)
	}
	var names []string
	for name, d := range details {
		if parts := strings.Split(name, "."); len(parts) == 3 && parts[0] == "coppice" && parts[2] == metaDepot && d.Err == nil {
			names = append(names, parts[1])
		}
	}
	slices.Sort(names)
	return names, nil
}

// Bounds returns the first offset of a partition and the one behind its last.
func (l *Log) Bounds(ctx context.Context, topic string, partition int32) (start, end int64, err error) {
	err = l.patiently(ctx, func(ctx context.Context) error {
		starts, err := within(ctx, func(ctx context.Context) (kadm.ListedOffsets, error) { return l.admin.ListStartOffsets(ctx, topic) })
		if err != nil {
			return l.failed("asking for the start of topic "+topic, err)
		}
		ends, err := within(ctx, func(ctx context.Context) (kadm.ListedOffsets, error) { return l.admin.ListEndOffsets(ctx, topic) })
		if err != nil {
			return l.failed("asking for the end of topic "+topic, err)
		}
		if start, err = l.listed(starts, topic, partition); err != nil {
			return err
		}
		end, err = l.listed(ends, topic, partition)
		return err
	})
	return start, end, err
}

func (l *Log) listed(offsets kadm.ListedOffsets, topic string, partition int32) (int64, error) {
	o, ok := offsets.Lookup(topic, partition)
	if !ok {
		return 0, l.failed(fmt.Sprintf("topic %s has no partition %d", topic, partition), kerr.UnknownTopicOrPartition)
	}
	if o.Err != nil {
		return 0, l.failed(fmt.Sprintf("topic %s partition %d", topic, partition), o.Err)
	}
	return o.Offset, nil
}

// OffsetAfter returns the offset of the first record appended after t.
func (l *Log) OffsetAfter(ctx context.Context, topic string, partition int32, t time.Time) (offset int64, err error) {
	after := t.UnixMilli() + 1
	if after <= 0 { // the protocol gives negative times other meanings
		start, _, err := l.Bounds(ctx, topic, partition)
		return start, err
	}
	err = l.patiently(ctx, func(ctx context.Context) error {
		offsets, err := l.admin.ListOffsetsAfterMilli(ctx, after, topic)
		if err != nil {
			return l.failed("asking topic "+topic+" for a position by time", err)
		}
		offset, err = l.listed(offsets, topic, partition)
		return err
	})
	return offset, err
}
