package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/overview"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// shop is the module that the fake cluster runs.
type shop struct {
	Orders module.Depot[string]
	Sold   pstate.Map[string, int]
	Total  module.Ack[int]
	ship   module.Step[string]
}

func (m *shop) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Orders, "orders")
	s := b.Stream("sell")
	s.PState(&m.Sold, "sold")
	module.DeclareAck(s, &m.Total, agg.Sum[int]())
	module.DeclareStep(s, &m.ship, "ship", module.Shuffle[string](), func(*module.Event, string) error { return nil })
	module.DeclareSource(s, m.Orders, func(*module.Event, string) error { return nil })
}

// fake answers as a client does, for one module of so many tasks.
type fake struct {
	tasks int

	mu     sync.Mutex
	parked []client.ParkedRecord
	// unreadable, if set, is why a parked record cannot be read.
	unreadable error
	unseen     error // of the tasks, if set
	unheard    error // of a pause, if set
	audit      []client.AuditEntry
	values     map[string]string // options that are set
	paused     bool
	silent     map[task.ID]bool
	halted     map[task.ID]error
	done       int64

	latency eventtree.Latency
	filter  client.TreeFilter // of the last question
	missing []eventtree.Missing
	status  runtime.Status // of all tasks, if it runs
	unread  string         // why how far it is with its partition 1 cannot be read
	looks   int
}

func newFake(tasks int) *fake {
	return &fake{tasks: tasks, values: map[string]string{}, silent: map[task.ID]bool{}, halted: map[task.ID]error{}, parked: []client.ParkedRecord{{
		ParkedRef: client.ParkedRef{Module: "shop", Topology: "sell", Source: "orders", Partition: 1, Offset: 7},
		Value:     []byte(`{"item":"<tea>"}`), Reason: `no <b>price</b> of "tea"`, Attempts: 10, Time: time.Unix(1_700_000_000, 0),
		Headers: []depot.Header{{Key: "traceparent", Value: []byte("00-01")}},
	}}}
}

func (f *fake) Modules(context.Context) ([]client.ModuleInfo, error) {
	return []client.ModuleInfo{{Name: "shop", Tasks: f.tasks, Topologies: []string{"sell"}}}, nil
}

func (f *fake) Describe(_ context.Context, name string) (client.Description, error) {
	if name != "shop" {
		return client.Description{}, fmt.Errorf("module %q: %w; there are shop", name, client.ErrNoModule)
	}
	return client.Description{
		Module: "shop", Tasks: f.tasks,
		Depots: []client.DepotInfo{{Name: "orders", Type: "string", Codec: "json", Partitioning: "random", Partitions: f.tasks, Appends: true}},
		PStates: []client.PStateInfo{
			{Name: "sold", Topology: "sell", Schema: "map[string]int", Level: client.Level{Kind: "map", Key: "string", Value: "int"}},
			{Name: "secret", Topology: "sell", Schema: "int", Private: true, Level: client.Level{Kind: "value"}},
		},
		Topologies: []client.TopologyInfo{{Name: "sell", Kind: "stream", Guarantee: "at least once", Sources: []client.SourceInfo{{Name: "orders", Depot: "orders"}}, Steps: []client.StepInfo{{Name: "ship", Type: "string", Placement: "shuffled"}}}},
		Queries:    []client.QueryInfo{{Name: "left", Argument: "string", Result: "int", Seconds: 5}},
	}, nil
}

func (f *fake) Plan(context.Context, string) (*module.Plan, error) { return module.Compile(&shop{}) }

func (f *fake) Tasks(context.Context, string) ([]client.TaskInfo, error) {
	if f.unseen != nil {
		return nil, f.unseen
	}
	all := make([]client.TaskInfo, f.tasks)
	for i := range all {
		all[i] = client.TaskInfo{Task: task.ID(i), Owner: fmt.Sprintf("10.0.0.%d:7070", i%8), Epoch: strings.Repeat("ab", 16), Commits: uint64(i)}
	}
	all[f.tasks-1].Owner = ""
	all[0].Parked = len(f.parked)
	return all, nil
}

func (f *fake) TaskStatus(ctx context.Context, _ string, id task.ID) (runtime.Status, error) {
	f.mu.Lock()
	silent, halted := f.silent[id], f.halted[id]
	f.mu.Unlock()
	if silent {
		<-ctx.Done()
		return runtime.Status{}, ctx.Err()
	}
	if f.status.Running {
		return f.status, nil
	}
	return runtime.Status{Running: halted == nil, Halted: halted, Pending: 2, Trees: 1, Sources: []runtime.SourceStatus{{Topology: "sell", Source: "orders", Depot: "orders", Next: 5}}}, nil
}

func (f *fake) Progress(context.Context, string, string) ([]client.SourceProgress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]client.SourceProgress, f.tasks)
	for i := range all {
		all[i] = client.SourceProgress{Topology: "sell", Source: "orders", Depot: "orders", Partition: int32(i), Begun: true, Next: 5 + f.done, End: 9, Lag: 4 - f.done}
	}
	if f.looks++; f.unread != "" {
		all[1].Topic, all[1].Error, all[1].End, all[1].Lag = "coppice.shop.orders", f.unread, 0, 0
		return all, errors.New(f.unread)
	}
	return all, nil
}

func (f *fake) Parked(context.Context, string) ([]client.ParkedRecord, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.parked), nil
}

func (f *fake) FindParked(_ context.Context, ref client.ParkedRef) (client.ParkedRecord, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unreadable != nil {
		return client.ParkedRecord{}, f.unreadable
	}
	for _, r := range f.parked {
		if r.ParkedRef == ref {
			return r, nil
		}
	}
	return client.ParkedRecord{}, client.ErrNotParked
}

func (f *fake) RetryParked(_ context.Context, ref client.ParkedRef) error { return f.take(ref) }
func (f *fake) SkipParked(_ context.Context, ref client.ParkedRef) error  { return f.take(ref) }

func (f *fake) take(ref client.ParkedRef) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, r := range f.parked {
		if r.ParkedRef == ref {
			if !json.Valid(r.Value) {
				return errors.New("it fails again")
			}
			f.parked = slices.Delete(f.parked, i, i+1)
			return nil
		}
	}
	return client.ErrNotParked
}

func (f *fake) EditParked(_ context.Context, ref client.ParkedRef, value []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.parked {
		if f.parked[i].ParkedRef == ref {
			f.parked[i].Value, f.parked[i].Edited = value, true
			return nil
		}
	}
	return client.ErrNotParked
}

func (f *fake) Pause(context.Context, string, string) error  { return f.pause(true) }
func (f *fake) Resume(context.Context, string, string) error { return f.pause(false) }

func (f *fake) pause(paused bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paused = paused
	return f.unheard
}

func (f *fake) Microbatches(context.Context, string, string) (client.MicrobatchInfo, error) {
	return client.MicrobatchInfo{}, client.ErrNoMicrobatches
}

func (f *fake) Options(_ context.Context, _ string, scope client.OptionScope) ([]client.OptionValue, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := []client.OptionValue{
		{Name: "topology.stream.paused", Value: fmt.Sprint(f.paused), Default: "false", From: "default", Place: "topology", Unit: "true or false", Doc: "Whether it begins records."},
		{Name: "topology.stream.timeout.seconds", Value: "30", Default: "30", From: "default", Place: "topology", Unit: "seconds", Doc: "How long a tree may take."},
		{Name: "store.durability", Value: "applied", Default: "applied", From: "default", Place: "module", Unit: "level", Doc: "Where a commit must be."},
	}
	for i := range all {
		if v := f.values[all[i].Name]; v != "" {
			all[i].Value, all[i].From = v, "module"
		}
	}
	return all, nil
}

func (f *fake) Option(ctx context.Context, module string, scope client.OptionScope, name string) (client.OptionValue, error) {
	all, err := f.Options(ctx, module, scope)
	for _, o := range all {
		if o.Name == name {
			return o, err
		}
	}
	return client.OptionValue{}, client.ErrUnknownOption
}

func (f *fake) OptionWarnings(context.Context, string, string) []string { return nil }

func (f *fake) SetOption(_ context.Context, _ string, _ client.OptionScope, name, value string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if value == "wrong" {
		return fmt.Errorf("%w: want a number of seconds", client.ErrWrongValue)
	}
	f.values[name] = value
	return nil
}

func (f *fake) Select(_ context.Context, s client.Selection) iter.Seq2[client.SelectedPage, error] {
	return func(yield func(client.SelectedPage, error) bool) {
		if strings.Contains(s.Path, "wrong") {
			yield(client.SelectedPage{}, fmt.Errorf("%w: no step %q", client.ErrWrongPath, s.Path))
			return
		}
		yield(client.SelectedPage{Task: 3, Commit: "abcdef0123456789/12", Values: []json.RawMessage{[]byte(`{"key":"te.a","value":2}`), []byte(`{"key":"milk","value":1}`)}}, nil)
	}
}

func (f *fake) PartitionInfo(context.Context, string, string, int) (module.PartitionInfo, error) {
	return module.PartitionInfo{Start: 0, End: 60}, nil
}

func (f *fake) ReadDepot(_ context.Context, _, _ string, partition int, from, to int64) (all []depot.Record, err error) {
	for o := from; o < to; o++ {
		all = append(all, depot.Record{Partition: int32(partition), Offset: o, Value: []byte(`"<script>alert(1)</script>"`), Key: []byte{0xff, 1}, Time: time.Unix(1_700_000_000+o, 0)})
	}
	return all, nil
}

func (f *fake) AppendJSON(_ context.Context, r client.JSONRecord) (client.Appended, error) {
	if strings.Contains(string(r.Data), "bad") {
		return client.Appended{}, &client.FailedError{Text: "no price", Parked: true}
	}
	return client.Appended{}, nil
}

// trees are those of a record that waits for a handler, and of one that failed.
func (f *fake) trees() []eventtree.Tree {
	began := time.Unix(1_700_000_000, 0)
	h := eventtree.Handler{Task: 2, Topology: "sell", Step: "ship", Record: eventtree.Record{Module: "shop", Depot: "orders", Partition: 2, Offset: 5}, Since: began}
	return []eventtree.Tree{
		{
			Record: h.Record, Topology: "sell", Source: "orders", State: eventtree.Open, Waits: "the handler of " + h.String(), Attempt: 2, Since: began, Error: "no <price>", Stuck: []eventtree.Handler{h},
			Events: []eventtree.Event{
				{Topology: "sell", Step: "orders", Root: true, Source: "orders", ID: 1, Attempt: 2, Task: 1, State: eventtree.Ended, Began: began, Ran: began.Add(time.Millisecond), Committed: began.Add(2 * time.Millisecond), Batch: "abcdef0123456789/7", Hops: 1},
				{Topology: "sell", Step: "ship", Source: "orders", ID: 2, Parent: 1, Attempt: 2, Task: 2, State: eventtree.Running, Waits: "its handler to return", Since: began},
			},
		},
		{Record: eventtree.Record{Module: "shop", Depot: "orders", Partition: 1, Offset: 7}, Topology: "sell", Source: "orders", State: eventtree.Parked, Error: "no <price>", Over: began},
	}
}

func (f *fake) Latencies(context.Context, string) (map[string]eventtree.Latency, error) {
	return map[string]eventtree.Latency{"sell": f.latency}, nil
}

func (f *fake) ListTrees(ctx context.Context, module string, filter client.TreeFilter) (client.TreeList, error) {
	trees, err := f.Trees(ctx, module, filter)
	return client.TreeList{Trees: trees, Missing: f.missing}, err
}

func (f *fake) Trees(_ context.Context, _ string, filter client.TreeFilter) ([]eventtree.Tree, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.filter = filter
	return f.trees(), nil
}

func (f *fake) Tree(_ context.Context, _, _ string, _ task.ID, offset int64) ([]eventtree.Tree, error) {
	switch offset {
	case -4:
		return nil, fmt.Errorf("depot orders: %w -4", client.ErrNoRecord)
	case 5:
		return f.trees()[:1], nil
	case 7:
		return f.trees()[1:], nil
	}
	return nil, nil
}

func (f *fake) Stuck(context.Context, string, time.Duration) ([]eventtree.Handler, error) {
	return f.trees()[0].Stuck, nil
}

func (f *fake) Audit(context.Context, string) ([]client.AuditEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.audit), nil
}

func (f *fake) NoteAudit(_ context.Context, _ string, e client.AuditEntry) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.audit = append(f.audit, e)
	return nil
}

// newTestHandler is a console on a fake cluster, whose looks are always new ones.
func newTestHandler(t testing.TB, f *fake) *Handler {
	t.Helper()
	at := time.Unix(1_700_000_000, 0)
	look := overview.New(overview.Config{Cluster: f, Now: func() time.Time { at = at.Add(2 * time.Second); return at }, AnswerTimeout: 5 * time.Millisecond})
	h, err := newHandler(Config{Overview: look}, f, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	return h
}
