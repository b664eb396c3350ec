package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/overview"
)

// quoting refuses orders with an error that quotes them, as handlers do.
type quoting struct {
	Orders module.Depot[string]
	raw    bool // as it is, without escapes
}

func (m *quoting) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Orders, "orders", module.Text())
	s := b.Stream("fulfil")
	module.DeclareSource(s, m.Orders, func(_ *module.Event, order string) error {
		if m.raw {
			return fmt.Errorf("order %s cannot be read", order)
		}
		return fmt.Errorf("order %q cannot be read", order)
	}, module.MaxAttempts(1))
}

// A dump holds no part of a record: neither in why it is parked, nor in how a retry failed, nor in
// event trees; with --reasons it does.
func TestDumpMasksWhatHandlersSaid(t *testing.T) {
	t.Parallel()
	const quoted = "Ada Lovelace, 12 Dorset Street"
	c, run := remoteServers(t)
	m := &quoting{}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Orders.Append(t.Context(), c.Client(), quoted); !errors.Is(err, client.ErrFailed) {
		t.Fatal(err)
	}
	if code, _, errs := run("parked", "retry", "quoting/fulfil/orders/0/0"); code != exitError || !strings.Contains(errs, quoted) {
		t.Fatalf("a retry ended with %d, %s", code, errs)
	}
	for _, reasons := range []bool{false, true} {
		file := filepath.Join(t.TempDir(), "dump.tar.gz")
		code, out, errs := run("support-dump", "--output", file, fmt.Sprintf("--reasons=%t", reasons))
		said(t, code, out, errs)
		all := unpacked(t, file)
		for name, raw := range all {
			if !reasons && strings.Contains(string(raw), "Ada") {
				t.Errorf("%s holds a part of the record:\n%s", name, raw)
			}
		}
		for _, name := range []string{"parked", "audit"} {
			raw := string(all["coppice-dump/modules/quoting/"+name+".json"])
			if strings.Contains(raw, quoted) != reasons || strings.Contains(raw, "masked text") == reasons {
				t.Errorf("with --reasons=%t, %s.json is\n%s", reasons, name, raw)
			}
		}
	}
}

// Trees of an overview are masked wherever a handler's words stand in them, and the overview
// itself, which others may hold, stays as it is.
func TestMaskedTrees(t *testing.T) {
	t.Parallel()
	seen := &overview.Module{Topologies: []overview.Topology{{Oldest: &eventtree.Tree{
		Error: "one", Attempts: []eventtree.Attempt{{Error: "one"}}, Events: []eventtree.Event{{Error: "two"}, {}},
	}}}}
	got := newMasker(false).module(seen).Topologies[0].Oldest
	const one, two = "masked text 1, 3 bytes: --reasons shows it", "masked text 2, 3 bytes: --reasons shows it"
	if got.Error != one || got.Attempts[0].Error != one || got.Events[0].Error != two || got.Events[1].Error != "" {
		t.Errorf("masked: %+v", got)
	}
	if was := seen.Topologies[0].Oldest; was.Error != "one" || was.Attempts[0].Error != "one" || was.Events[0].Error != "two" {
		t.Errorf("what was seen has become %+v", was)
	}
}

// Why tasks have halted may quote values: it is masked where tasks tell it, in findings and in those
// of the doctor, alike in each; what workers that do not answer are said to be stays.
func TestMaskedHalts(t *testing.T) {
	t.Parallel()
	const why = "codec of counts: Ada Lovelace is no number"
	seen := &overview.Module{
		Tasks:    []overview.Task{{State: overview.TaskHalted, Error: why}, {State: overview.TaskSilent, Error: "no answer"}},
		Findings: []overview.Finding{{Waits: why}, {Waits: "task 0: nothing any more: it has halted"}},
	}
	modules := []overview.Entry{{Error: "unseen"}, {Module: seen}}
	doctor := findings{{About: "module m", What: "task 0 has halted; it waits for " + why}, {What: "fine"}}
	m := newMasker(false)
	got := m.module(seen)
	const masked = "masked text 1, 42 bytes: --reasons shows it"
	if got.Tasks[0].Error != masked || got.Tasks[1].Error != "no answer" || got.Findings[0].Waits != masked || got.Findings[1].Waits != seen.Findings[1].Waits {
		t.Errorf("masked: %+v, %+v", got.Tasks, got.Findings)
	}
	if found := m.findings(doctor, modules); found[0].What != "task 0 has halted; it waits for "+masked || found[1].What != "fine" {
		t.Errorf("the doctor says %+v", found)
	}
	if seen.Tasks[0].Error != why || seen.Findings[0].Waits != why || !strings.Contains(doctor[0].What, why) {
		t.Error("what was seen has changed")
	}
	shown := newMasker(true)
	if got := shown.module(seen); got.Tasks[0].Error != why || got.Findings[0].Waits != why || !strings.Contains(shown.findings(doctor, modules)[0].What, why) {
		t.Error("with --reasons it is masked all the same")
	}
}
