package integration

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

// places notes at which task each event ran.
type places struct {
	name   string
	Global module.Depot[string]
	Custom module.Depot[int]
	Closed module.Depot[string]
	Ran    pstate.MapOf[int, pstate.SortedSet[string]] // by task: what ran there

	global, custom, direct, all module.Step[string]
}

func (m *places) ModuleName() string { return m.name }

func (m *places) Define(b *module.Builder) {
	module.GlobalDepot(b, &m.Global, "global")
	module.CustomDepot(b, &m.Custom, "custom", func(v, partitions int) int {
		if v == 11 {
			return partitions - 1
		}
		return v
	})
	module.RandomDepot(b, &m.Closed, "closed", module.DisallowAppends())
	s := b.Stream("places")
	s.PState(&m.Ran, "ran")
	module.DeclareStep(s, &m.global, "global", module.Global[string](), m.note("global"))
	module.DeclareStep(s, &m.custom, "custom", module.Custom(func(v string, tasks int) int { return len(v) }), m.note("custom"))
	module.DeclareStep(s, &m.direct, "direct", module.Stay[string](), m.note("direct"))
	module.DeclareStep(s, &m.all, "all", module.Stay[string](), m.note("all"))
	module.DeclareSource(s, m.Global, m.onGlobal)
	module.DeclareSource(s, m.Custom, func(ev *module.Event, v int) error {
		return m.note("from custom")(ev, fmt.Sprint(v))
	})
	module.DeclareSource(s, m.Closed, m.note("closed"))
}

func (m *places) note(what string) func(*module.Event, string) error {
	return func(ev *module.Event, v string) error {
		m.Ran.Key(int(ev.Task())).Add(ev, what+" "+v)
		return nil
	}
}

func (m *places) onGlobal(ev *module.Event, v string) error {
	m.global.Send(ev, v)
	if v == "far" {
		m.custom.Send(ev, "beyond every task")
		return nil
	}
	m.custom.Send(ev, v)
	m.direct.SendTo(ev, 2, v)
	m.all.SendAll(ev, v)
	return m.note("from global")(ev, v)
}

// at says at which tasks something ran. The PState is written at the task of the
// event, whatever its keys hash to, so it is read there by the task's own number.
func (m *places) at(t *testing.T, c *localcluster.Cluster, what string, tasks int) string {
	t.Helper()
	var where []string
	for id := range task.ID(tasks) {
		has, err := m.Ran.Key(int(id)).Has(c.Client().AtTask(t.Context(), id), what)
		if err != nil {
			t.Fatal(err)
		}
		if has {
			where = append(where, fmt.Sprint(id))
		}
	}
	return strings.Join(where, " ")
}

// promise 4.04 promise 4.05 promise 4.06 promise 10.02 promise 10.03 promise
// 10.05 promise 10.08: global, direct, all and custom partitioners run where they
// say, as do the records of global and custom depots; a depot that takes no
// appends takes none.
func TestPlaces(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		const tasks = 4
		m := &places{name: unique("Places")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: tasks, Workers: 2}); err != nil {
			t.Fatal(err)
		}
		for _, v := range []string{"a", "abc"} {
			if _, err := m.Global.Append(t.Context(), c.Client(), v); err != nil {
				t.Fatal(err)
			}
		}
		for _, v := range []int{2, 11} {
			if _, err := m.Custom.Append(t.Context(), c.Client(), v); err != nil {
				t.Fatal(err)
			}
		}
		for what, want := range map[string]string{
			"from global a": "0", "global abc": "0", "custom a": "1", "custom abc": "3", "direct a": "2", "all abc": "0 1 2 3",
			"from custom 2": "2", "from custom 11": "3",
		} {
			if got := m.at(t, c, what, tasks); got != want {
				t.Errorf("%q ran at tasks %q, want %q", what, got, want)
			}
		}
		if _, err := m.Custom.Append(t.Context(), c.Client(), tasks); !errors.Is(err, client.ErrNotAppended) || !strings.Contains(err.Error(), "there are 0 to 3") {
			t.Errorf("a partition that there is not: %v", err)
		}
		if _, err := m.Closed.Append(t.Context(), c.Client(), "x"); !errors.Is(err, module.ErrDisallowed) {
			t.Errorf("an append to a depot that takes none: %v", err)
		}
		var failed *client.FailedError
		if _, err := m.Global.Append(t.Context(), c.Client(), "far"); !errors.As(err, &failed) || !strings.Contains(failed.Text, "chose task 17; the module has 0 to 3") {
			t.Errorf("a hop to a task that there is not: %v", err)
		}
	})
}
