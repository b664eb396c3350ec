package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// notes keeps a text under any key.
type notes struct {
	name  string
	Notes module.Depot[note]
	Texts pstate.Map[string, string]
	Extra pstate.Map[string, int] // declared by the later version only
	later bool

	store module.Step[note]
}

type note struct{ Key, Text string }

func (m *notes) ModuleName() string { return m.name }

func (m *notes) Define(b *module.Builder) {
	module.HashDepot(b, &m.Notes, "notes", func(n note) string { return n.Key })
	s := b.Stream("notes")
	s.PState(&m.Texts, "texts")
	if m.later {
		s.PState(&m.Extra, "extra")
	}
	module.DeclareStep(s, &m.store, "store", module.At(&m.Texts, func(n note) string { return n.Key }), func(ev *module.Event, n note) error {
		m.Texts.Key(n.Key).Set(ev, n.Text)
		return nil
	})
	module.DeclareSource(s, m.Notes, func(ev *module.Event, n note) error {
		m.store.Send(ev, n)
		return nil
	})
}

// Names that do not exist: the error says which ones do.
func TestUnknownNames(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &notes{name: unique("Notes")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2}); err != nil {
			t.Fatal(err)
		}
		err := c.Client().Use(t.Context(), &notes{name: "Nowhere"})
		if !errors.Is(err, client.ErrNoModule) || !strings.Contains(err.Error(), m.name) {
			t.Errorf("an unknown module: %v; want an error that names %s", err, m.name)
		}
		err = c.Client().Use(t.Context(), &notes{name: m.name, later: true})
		if !errors.Is(err, client.ErrMismatch) || !strings.Contains(err.Error(), "extra") || !strings.Contains(err.Error(), "texts") {
			t.Errorf("an unknown PState: %v; want an error that names it and those that there are", err)
		}
		var fresh notes
		if _, err := fresh.Notes.Append(t.Context(), c.Client(), note{}); !errors.Is(err, module.ErrUndeclared) {
			t.Errorf("a handle that nobody declared: %v", err)
		}
	})
}

// Keys and values at the edges work: they are bytes to everyone on the way.
func TestKeysAndValuesAtTheEdges(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &notes{name: unique("Notes")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3, Workers: 2}); err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{
			"":                         "empty key",
			"{}":                       "braces",
			"{" + m.name + "}":         "a tag within the key",
			"a/b%2Fc":                  "separators",
			"line\r\nbreak":            "line break",
			"nul\x00byte":              "zero byte",
			"grün ✓":                   "beyond ASCII",
			strings.Repeat("k", 1<<10): "long key",
			"empty value":              "",
			"1 MiB":                    strings.Repeat("v", 1<<20),
		}
		r := c.Client().At(t.Context())
		for key, text := range texts {
			if _, err := m.Notes.Append(t.Context(), c.Client(), note{key, text}); err != nil {
				t.Errorf("key %.20q: %v", key, err)
				continue
			}
			got, ok, err := m.Texts.Key(key).Lookup(r)
			if err != nil || !ok || got != text {
				t.Errorf("key %.20q: read %.20q, %v, %v", key, got, ok, err)
			}
		}
	})
}

// Too large: the error comes before anything is sent, and says the limit.
func TestRecordOverTheLimit(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &notes{name: unique("Notes")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
			t.Fatal(err)
		}
		_, err := m.Notes.Append(t.Context(), c.Client(), note{"k", strings.Repeat("v", depot.RecordBytesMax)})
		if !errors.Is(err, client.ErrNotAppended) || !errors.Is(err, depot.ErrTooLarge) || !strings.Contains(err.Error(), fmt.Sprint(depot.RecordBytesMax)) {
			t.Errorf("too large: %v", err)
		}
		if _, end, err := c.Log().Bounds(t.Context(), depot.TopicName(m.name, "notes"), 0); err != nil || end != 0 {
			t.Errorf("the depot ends at %d, %v; nothing was to be sent", end, err)
		}
	})
}

// What does not decode is parked with the reason, and what comes behind it goes
// on.
func TestRecordsThatDoNotDecodeAreParked(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &notes{name: unique("Notes")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
			t.Fatal(err)
		}
		bad := []string{"not json", `{"Key":7}`, "", "\xff\xfe"}
		for _, value := range bad {
			done := make(chan error, 1)
			c.Log().Append(t.Context(), depot.TopicName(m.name, "notes"), 0, depot.Record{Key: []byte("k"), Value: []byte(value)}, depot.Replicated, func(_ int64, err error) { done <- err })
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		if _, err := m.Notes.Append(t.Context(), c.Client(), note{"after", "goes on"}); err != nil {
			t.Fatal(err)
		}
		for offset := range bad {
			place := client.Place{Module: m.name, Depot: "notes", Partition: 0, Offset: int64(offset)}
			if _, err := c.Client().Await(t.Context(), place); !errors.Is(err, client.ErrFailed) {
				t.Errorf("offset %d: %v", offset, err)
			}
		}
		tag := task.Tag(m.name, 0, 1)
		reads := []store.Read{{Kind: store.Range, Table: wire.ParkedTable(tag)}}
		if _, err := c.Store().Read(t.Context(), wire.Slot(tag), reads); err != nil {
			t.Fatal(err)
		}
		if len(reads[0].Elements) != len(bad) {
			t.Fatalf("%d records are parked, want %d", len(reads[0].Elements), len(bad))
		}
		for _, e := range reads[0].Elements {
			var p wire.ParkedRecord
			if err := json.Unmarshal([]byte(e.Value), &p); err != nil || p.Reason == "" || p.Topology != "notes" {
				t.Errorf("parked record %s: %s, %v", e.Field, e.Value, err)
			}
		}
	})
}

// A module does not start with another number of tasks than it has.
func TestAnotherNumberOfTasksIsRefused(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &notes{name: unique("Notes")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2}); err != nil {
			t.Fatal(err)
		}
		err := c.Launch(t.Context(), &notes{name: m.name}, localcluster.LaunchConfig{Tasks: 3})
		if !errors.Is(err, depot.ErrWrongPartitions) || !strings.Contains(err.Error(), "2") || !strings.Contains(err.Error(), "3") {
			t.Errorf("two tasks, then three: %v", err)
		}
	})
}

// A topic that was deleted and made again is refused: its offsets mean other
// records now (T23).
func TestARecreatedTopicIsRefused(t *testing.T) {
	t.Parallel()
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m := &notes{name: "Notes"}
	log := &renamed{Log: c.Log()}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Notes.Append(t.Context(), c.Client(), note{"k", "v"}); err != nil {
		t.Fatal(err)
	}
	// The state as it stands, and a log whose topic has another id.
	again, err := localcluster.Start(t.Context(), localcluster.Config{Log: log, Store: c.Store()})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	launched := again.Launch(t.Context(), &notes{name: "Notes"}, localcluster.LaunchConfig{Tasks: 1})
	if launched == nil {
		_, launched = m.Notes.Append(t.Context(), again.Client(), note{"k", "w"})
	}
	if launched == nil || !strings.Contains(launched.Error(), "made again") {
		t.Errorf("a topic with another id: %v", launched)
	}
}

// renamed is a log whose topics have other ids than they had.
type renamed struct{ depot.Log }

func (l *renamed) Reader(ctx context.Context) (depot.Reader, error) {
	r, err := l.Log.Reader(ctx)
	return &renamedReader{r}, err
}

type renamedReader struct{ depot.Reader }

// Assign sees the id that the state was made with, flipped.
func (r *renamedReader) Assign(positions ...depot.Position) error {
	flipped := make([]depot.Position, len(positions))
	for i, p := range positions {
		p.TopicID[0] ^= 0xff
		flipped[i] = p
	}
	return r.Reader.Assign(flipped...)
}
