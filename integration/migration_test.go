package integration

import (
	"bytes"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// roster keeps names. Its versions read what earlier ones stored, each in its own way.
type roster struct {
	name    string
	version int
	Names   module.Depot[string]
	Kept    pstate.Map[string, int]
}

func (m *roster) ModuleName() string { return m.name }

func (m *roster) Define(b *module.Builder) {
	var options []module.DepotOption
	switch m.version {
	case 2: // names in small letters, and none of nobody
		options = append(options, module.Migrate("small", func(name string) (string, bool) { return strings.ToLower(name), name != "nobody" }))
	case 3: // stored as text
		options = append(options, module.Text(), module.MigrateStored("text", func(stored []byte) ([]byte, bool) {
			if bytes.HasPrefix(stored, []byte(`"`)) {
				stored = bytes.Trim(stored, `"`)
			}
			return stored, string(stored) != "nobody"
		}))
	}
	module.HashDepot(b, &m.Names, "names", func(s string) string { return strings.ToLower(s) }, options...)
	s := b.Stream("roster")
	s.PState(&m.Kept, "kept")
	// Each version reads all that is there.
	module.DeclareSource(s, m.Names, func(ev *module.Event, name string) error {
		m.Kept.Key(name).Update(ev, func(n int) int { return n + m.version })
		return nil
	}, module.StartFromBeginning(), module.SourceID("names"+string(rune('0'+m.version))))
}

// promise 4.25, promise 4.27: a later version reads records of an earlier one as it wants them, and
// those that programs append in the old form; some are no more. The log stays as it is.
func TestRecordsAreMigratedWhenTheyAreRead(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		name := unique("Roster")
		kit := clustertest.Start(t, &roster{name: name, version: 1}, clustertest.Config{Cluster: c, Tasks: 1})
		old := &roster{name: name, version: 1}
		if err := kit.Client().Use(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		for _, n := range []string{"Ann", "nobody", "bob"} {
			if _, err := old.Names.Append(t.Context(), kit, n); err != nil {
				t.Fatal(err)
			}
		}
		kit.Settle()
		for version, want := range map[int]string{1: "Ann nobody bob", 2: "ann bob", 3: "Ann bob"} {
			m := &roster{name: name, version: version}
			if _, err := module.Compile(m); err != nil {
				t.Fatal(err)
			}
			all, err := m.Names.Read(t.Context(), kit.Client(), 0, 0, 3)
			var have []string
			for _, r := range all {
				have = append(have, r.Value)
			}
			if got := strings.Join(have, " "); err != nil || got != want {
				t.Errorf("version %d reads %q (error %v), want %q", version, got, err, want)
			}
		}
	})
}

// promise 4.25: handlers are given what a migration makes of a record, also of a new one.
func TestHandlersAreGivenWhatIsMigrated(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &roster{name: unique("Roster"), version: 2}
		kit := clustertest.Start(t, m, clustertest.Config{Cluster: c})
		for _, n := range []string{"Ann", "nobody", "ANN"} {
			if _, err := m.Names.Append(t.Context(), kit, n); err != nil {
				t.Fatal(err)
			}
		}
		for name, want := range map[string]int{"ann": 4, "Ann": 0, "nobody": 0} {
			if n, err := m.Kept.Key(name).Get(kit); err != nil || n != want {
				t.Errorf("%s: %d (error %v), want %d", name, n, err, want)
			}
		}
	})
}
