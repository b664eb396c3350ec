package module_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/codec/msgpackcodec"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// version compiles one version of a module, as it would be read from its note.
func version(t *testing.T, define func(b *module.Builder, s *module.Stream), options ...module.StreamOption) *module.Plan {
	t.Helper()
	plan, err := module.Compile(&declared{"M", func(b *module.Builder) {
		s := b.Stream("s", options...)
		source(b, s)
		define(b, s)
	}})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// noted is a registration as it is read back.
func noted(t *testing.T, plan *module.Plan, former ...*module.PStatePlan) *module.Registration {
	t.Helper()
	raw, err := json.Marshal(module.Registration{Version: 1, Tasks: 2, Plan: plan, Former: former})
	if err != nil {
		t.Fatal(err)
	}
	var r module.Registration
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

type point struct{ X, Y int }
type wide struct {
	X, Y int64
	Z    string
}
type narrow struct{ X int32 }

// A new version of a module that would not find or read what is stored is refused: each
// PState and depot is named, with what has changed, and the mend.
func TestChangedSchemasAreRefused(t *testing.T) {
	t.Parallel()
	counts := func(h func() pstate.Schema, options ...pstate.Option) func(*module.Builder, *module.Stream) {
		return func(_ *module.Builder, s *module.Stream) { s.PState(h(), "counts", options...) }
	}
	plain := func() pstate.Schema { return &pstate.Map[string, point]{} }
	value := func() pstate.Schema { return &pstate.Value[int]{} }
	byFirst := func(k string, tasks int) int { return len(k) % tasks }
	depot := func(options ...module.DepotOption) func(*module.Builder, *module.Stream) {
		return func(b *module.Builder, _ *module.Stream) {
			module.RandomDepot(b, new(module.Depot[string]), "words", options...)
		}
	}
	for _, c := range []struct {
		before, now func(*module.Builder, *module.Stream)
		want        []string
	}{
		{counts(plain), counts(plain), nil},
		{counts(plain), counts(func() pstate.Schema { return &pstate.Map[string, wide]{} }), nil},
		{counts(plain), counts(plain, pstate.Private()), nil},
		{counts(plain), func(*module.Builder, *module.Stream) {}, nil},
		{counts(plain), counts(func() pstate.Schema { return &pstate.Map[string, narrow]{} }), []string{`PState "counts": its schema: values: field X was int64, is int32`, `PState "counts": its schema: values: field Y is gone`}},
		{counts(plain), counts(func() pstate.Schema { return &pstate.Map[int, point]{} }), []string{`PState "counts": its schema: keys were text, are int64`}},
		{counts(plain), counts(func() pstate.Schema { return &pstate.SortedMap[string, point]{} }), []string{`PState "counts": its schema: was a map, is a sorted map`}},
		{counts(plain), counts(plain, pstate.Codec(msgpackcodec.Codec)), []string{`values were stored as json, are as msgpack`}},
		{counts(plain), counts(plain, pstate.Global()), []string{`PState "counts": was on all tasks, is global`}},
		{counts(plain), counts(plain, pstate.PartitionBy(byFirst)), []string{`PState "counts": was partitioned by hash, is by a function of its own`}},
		{counts(value, pstate.Initial(5)), counts(value, pstate.Initial(6)), []string{`its initial value was 5, is 6: it would change on each task that has never written it`}},
		{counts(value), counts(value, pstate.Initial(6)), []string{`its initial value was none, is 6`}},
		{depot(), depot(module.Text()), []string{`depot "words": records were stored as json, are as text`}},
		{depot(), func(b *module.Builder, _ *module.Stream) {
			module.GlobalDepot(b, new(module.Depot[string]), "words")
		}, []string{`depot "words": was by random, is one partition`}},
	} {
		before, now := version(t, c.before), version(t, c.now)
		err := now.Accepts(noted(t, before))
		var changed *module.ChangedError
		if (err == nil) != (len(c.want) == 0) || err != nil && !errors.As(err, &changed) {
			t.Errorf("want %q, the error is %v", c.want, err)
			continue
		}
		for _, want := range append(c.want, "take the change back, or declare what has changed under a new name") {
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %v, want in it %q", err, want)
			}
		}
	}
}

// What a version no longer declares is remembered: its data are still there when a
// later one declares it again, in another way.
func TestFormerPStatesAreRemembered(t *testing.T) {
	t.Parallel()
	declare := func(h pstate.Schema) func(*module.Builder, *module.Stream) {
		return func(_ *module.Builder, s *module.Stream) { s.PState(h, "old") }
	}
	first := noted(t, version(t, declare(&pstate.Set[string]{})))
	without := version(t, func(*module.Builder, *module.Stream) {})
	second := noted(t, without, without.Former(first)...)
	if len(second.Former) != 1 || second.Former[0].Name != "old" {
		t.Fatalf("the second version remembers %v", second.Former)
	}
	if err := version(t, declare(&pstate.Set[int]{})).Accepts(second); err == nil || !strings.Contains(err.Error(), `PState "old": its schema: keys were text, are int64`) {
		t.Errorf("declared again in another way: %v", err)
	}
	again := version(t, declare(&pstate.Set[string]{}))
	if err := again.Accepts(second); err != nil {
		t.Errorf("declared again as it was: %v", err)
	}
	if former := again.Former(second); len(former) != 0 {
		t.Errorf("declared again, it is still remembered as gone: %v", former)
	}
}

// Events of exactly-once streams outlive an update: their steps must read them.
func TestStepsOfExactlyOnceStreamsKeepTheirCodec(t *testing.T) {
	t.Parallel()
	with := func(name string, options ...module.StepOption) func(*module.Builder, *module.Stream) {
		return func(_ *module.Builder, s *module.Stream) {
			module.DeclareStep(s, new(module.Step[string]), name, module.Stay[string](), nothing, options...)
		}
	}
	before := noted(t, version(t, with("step"), module.ExactlyOnce()))
	for _, now := range []*module.Plan{
		version(t, with("step", module.Text()), module.ExactlyOnce()),
		version(t, with("renamed", module.FormerName("step"), module.Text()), module.ExactlyOnce()),
	} {
		if err := now.Accepts(before); err == nil || !strings.Contains(err.Error(), "events under way were stored as json, are as text") {
			t.Errorf("another codec: %v", err)
		}
	}
	for _, now := range []*module.Plan{version(t, with("step"), module.ExactlyOnce()), version(t, with("step", module.Text()))} {
		if err := now.Accepts(before); err != nil {
			t.Errorf("nothing that matters has changed: %v", err)
		}
	}
}

// A step of an exactly-once stream, to which events may be under way, is taken away by
// nobody without being asked: it has an heir, or the version says that it is gone.
func TestStepsOfExactlyOnceStreamsAreNotLost(t *testing.T) {
	t.Parallel()
	step := func(name string, options ...module.StepOption) func(*module.Builder, *module.Stream) {
		return func(_ *module.Builder, s *module.Stream) {
			module.DeclareStep(s, new(module.Step[string]), name, module.Stay[string](), nothing, options...)
		}
	}
	none := func(*module.Builder, *module.Stream) {}
	before := noted(t, version(t, step("book"), module.ExactlyOnce()))
	for _, now := range []*module.Plan{version(t, none, module.ExactlyOnce()), version(t, step("other"), module.ExactlyOnce()), version(t, none, module.ExactlyOnce(), module.WithoutSteps("other"))} {
		var changed *module.ChangedError
		if err := now.Accepts(before); !errors.As(err, &changed) || !strings.Contains(err.Error(), `step "book": is gone`) || !strings.Contains(err.Error(), `module.FormerName("book")`) || !strings.Contains(err.Error(), `module.WithoutSteps("book")`) {
			t.Errorf("a step is gone: %v", err)
		}
	}
	for _, now := range []*module.Plan{
		version(t, step("book"), module.ExactlyOnce()),
		version(t, step("other", module.FormerName("book")), module.ExactlyOnce()),
		version(t, none, module.ExactlyOnce(), module.WithoutSteps("book")),
	} {
		if err := now.Accepts(before); err != nil {
			t.Errorf("no event can be lost: %v", err)
		}
	}
	// Events of other streams are not stored.
	if err := version(t, none).Accepts(noted(t, version(t, step("book")))); err != nil {
		t.Errorf("a stream that is at least once: %v", err)
	}
}

// The plan prints how PStates and steps are kept.
func TestPlanPrintsOptions(t *testing.T) {
	t.Parallel()
	plan := version(t, func(b *module.Builder, s *module.Stream) {
		s.PState(&pstate.Value[int]{}, "total", pstate.Global(), pstate.Initial(7))
		s.PState(&pstate.Map[string, int]{}, "hidden", pstate.Private(), pstate.PartitionBy(func(string, int) int { return 0 }), pstate.Codec(msgpackcodec.Codec))
		module.DeclareStep(s, new(module.Step[string]), "step", module.Stay[string](), nothing, module.Text())
	})
	for _, want := range []string{
		"pstate  total          int, global, at first 7\n",
		"pstate  hidden         map[string]int, private, by a partitioner of its own, stored as msgpack\n",
		"step    step           string, on the same task, carried as text\n",
	} {
		if !strings.Contains(plan.String(), want) {
			t.Errorf("the plan prints\n%v\nwant in it\n%s", plan, want)
		}
	}
}
