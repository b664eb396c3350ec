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
type quoting struct{ Orders module.Depot[string] }

func (m *quoting) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Orders, "orders", module.Text())
	s := b.Stream("fulfil")
	module.DeclareSource(s, m.Orders, func(_ *module.Event, order string) error {
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
