package kafkadepot

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/nomination"
	"github.com/coppice-run/coppice/task"
)

// GroupConfig says how workers hear of each other.
type GroupConfig struct {
	// SessionTimeout is how long a worker may be silent before its tasks go to
	// others. Default 6 s; the brokers' group.min.session.timeout.ms bounds it.
	SessionTimeout time.Duration
	// HeartbeatInterval is how often a worker shows that it lives, and learns that
	// tasks move. Default 300 ms.
	HeartbeatInterval time.Duration
	// RebalanceTimeout is how long the others wait for a silent worker when tasks
	// are shared anew: workers that live answer within a heartbeat. Default a third of
	// the session.
	RebalanceTimeout time.Duration
}

// Group nominates workers by Kafka's consumer groups (R4): one for each module, on
// an internal topic with a partition for each task. The topic stays empty and the
// group commits nothing.
type Group struct {
	log    *Log
	config GroupConfig
}

var _ nomination.Group = (*Group)(nil)

// Group returns the group of the log's brokers.
func (l *Log) Group(config GroupConfig) *Group {
	if config.SessionTimeout == 0 {
		config.SessionTimeout = 6 * time.Second
	}
	if config.HeartbeatInterval == 0 {
		config.HeartbeatInterval = 300 * time.Millisecond
	}
	if config.RebalanceTimeout == 0 {
		config.RebalanceTimeout = config.SessionTimeout / 3
	}
	return &Group{l, config}
}

// groupDepot ends the name of the topic whose partitions stand for tasks, and of
// the group.
const groupDepot = "__tasks"

// Join joins the module's group.
func (g *Group) Join(ctx context.Context, m nomination.Member, on func(nomination.Change)) (nomination.Membership, error) {
	name := depot.TopicName(m.Module, groupDepot)
	if err := g.log.ensureInternal(ctx, name, m.Tasks, depotConfigs()); err != nil {
		return nil, err
	}
	me := &membership{group: g, name: name, tasks: map[task.ID]bool{}, on: on, begun: make(chan struct{})}
	client, err := kgo.NewClient(append(g.log.config.common(), kgo.WithHooks(me),
		kgo.ConsumerGroup(name), kgo.ConsumeTopics(name), kgo.DisableAutoCommit(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(g.config.SessionTimeout), kgo.RebalanceTimeout(g.config.RebalanceTimeout), kgo.HeartbeatInterval(g.config.HeartbeatInterval),
		kgo.OnPartitionsAssigned(me.assigned), kgo.OnPartitionsRevoked(me.revoked), kgo.OnPartitionsLost(me.revoked))...)
	if err != nil {
		return nil, fmt.Errorf("kafkadepot: %w", err)
	}
	client.PauseFetchTopics(name) // there is nothing to read
	me.client = client
	select {
	case <-me.begun:
		return me, nil
	case <-ctx.Done():
		me.Close()
		return nil, g.log.failed("joining group "+name, ctx.Err())
	}
}

// membership is one worker in the group of a module.
type membership struct {
	group  *Group
	name   string
	client *kgo.Client
	heard  atomic.Int64 // when the group last answered, in nanoseconds since the epoch

	calls sync.Mutex // one change at a time
	gone  bool       // under calls
	on    func(nomination.Change)
	begin sync.Once
	begun chan struct{}

	mu    sync.Mutex
	tasks map[task.ID]bool
}

var _ kgo.HookBrokerE2E = (*membership)(nil)

// OnBrokerE2E notes when the group answered.
func (m *membership) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	switch kmsg.Key(key) {
	case kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat:
		if e2e.Err() == nil {
			m.heard.Store(time.Now().UnixNano())
		}
	}
}

func (m *membership) assigned(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	m.change(nomination.Change{Gained: ids(partitions[m.name])})
	// The first assignment may be empty: others have all tasks until they give some up.
	m.begin.Do(func() { close(m.begun) })
}

func (m *membership) revoked(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	m.change(nomination.Change{Lost: ids(partitions[m.name])})
}

func ids(partitions []int32) []task.ID {
	out := make([]task.ID, len(partitions))
	for i, p := range partitions {
		out[i] = task.ID(p)
	}
	return out
}

func (m *membership) change(c nomination.Change) {
	m.calls.Lock()
	defer m.calls.Unlock()
	if m.gone {
		return
	}
	m.mu.Lock()
	for _, id := range c.Lost {
		delete(m.tasks, id)
	}
	for _, id := range c.Gained {
		m.tasks[id] = true
	}
	m.mu.Unlock()
	if len(c.Gained)+len(c.Lost) > 0 {
		m.on(c)
	}
}

// Nominated reports whether the task is this worker's, as far as a group knows
// that was heard from within the session timeout.
func (m *membership) Nominated(id task.ID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tasks[id] && time.Since(time.Unix(0, m.heard.Load())) < m.group.config.SessionTimeout
}

// silence ends the calls of on.
func (m *membership) silence() {
	m.calls.Lock()
	defer m.calls.Unlock()
	m.gone = true
	m.mu.Lock()
	clear(m.tasks)
	m.mu.Unlock()
}

// Leave leaves the group, and counts who remains.
func (m *membership) Leave(ctx context.Context) (remaining int, err error) {
	m.silence()
	if err := m.client.LeaveGroupContext(ctx); err != nil {
		return 0, m.group.log.failed("leaving group "+m.name, err)
	}
	m.client.Close()
	groups, err := m.group.log.admin.DescribeGroups(ctx, m.name)
	if err == nil {
		err = groups.Error()
	}
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return 0, m.group.log.failed("looking at group "+m.name, err)
	}
	return len(groups[m.name].Members), nil
}

// closeTimeout bounds telling the group that a worker ends.
const closeTimeout = time.Second

// Close ends the membership.
func (m *membership) Close() {
	m.silence()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = m.client.LeaveGroupContext(ctx) // else the session ends by itself
	m.client.Close()
}

// ensureInternal makes a topic of our own if it does not exist.
func (l *Log) ensureInternal(ctx context.Context, name string, partitions int, configs map[string]*string) error {
	topic, err := l.find(ctx, name)
	if err == nil && topic.Partitions == 0 {
		if err = l.create(ctx, name, int32(partitions), configs); err == nil {
			topic, err = l.await(ctx, name)
		}
	}
	if err == nil && topic.Partitions != partitions {
		err = fmt.Errorf("%w: topic %s has %d partitions, not %d", depot.ErrWrongPartitions, name, topic.Partitions, partitions)
	}
	return err
}
