package clustertest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

// mail sends letters over a line that each task has one of.
type mail struct {
	Letters module.Depot[string]
	Line    module.Object[*line]
	Second  module.Object[fmt.Stringer]
	Sent    pstate.Map[string, string]
	post    module.Call[string]
	posted  module.Step[string]
	office  *office
}

// office has the lines.
type office struct {
	mu      sync.Mutex
	refuses task.ID // opens no line of this task
	panics  bool
	open    map[task.ID]int
	opened  int
	closed  int
	broken  error // what closing returns
}

type line struct {
	at  module.ObjectPlace
	ctx context.Context
}

func (l *line) String() string { return fmt.Sprintf("line %d of %d", l.at.Task, l.at.Tasks) }

func (o *office) line(ctx context.Context, at module.ObjectPlace) (*line, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if at.Task == o.refuses {
		if o.panics {
			panic("no paper")
		}
		return nil, errors.New("no line is free")
	}
	o.open[at.Task]++
	o.opened++
	return &line{at, ctx}, nil
}

func (o *office) hangUp(l *line) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l.ctx.Err() == nil {
		return errors.New("the context of the line has not ended")
	}
	o.open[l.at.Task]--
	o.closed++
	return o.broken
}

func (o *office) counts() (opened, closed int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.opened, o.closed
}

func (m *mail) Define(b *module.Builder) {
	module.HashDepot(b, &m.Letters, "letters", func(s string) string { return s })
	module.DeclareObject(b, &m.Line, "line", m.office.line, m.office.hangUp)
	module.DeclareObject(b, &m.Second, "second", func(_ context.Context, at module.ObjectPlace) (fmt.Stringer, error) {
		m.office.mu.Lock()
		defer m.office.mu.Unlock()
		if m.office.refuses == 100+at.Task {
			return nil, errors.New("no second line")
		}
		return &line{at: at}, nil
	}, nil)
	s := b.Stream("mail")
	s.PState(&m.Sent, "sent")
	module.DeclareStep(s, &m.posted, "posted", module.At(&m.Sent, func(text string) string { letter, _, _ := strings.Cut(text, " over "); return letter }), func(ev *module.Event, text string) error {
		letter, by, _ := strings.Cut(text, " over ")
		m.Sent.Key(letter).Set(ev, by+", behind "+m.Line.Of(ev).String()+" and "+m.Second.Of(ev).String())
		return nil
	})
	module.DeclareCall(s, &m.post, "post", func(ctx context.Context, letter string) (string, error) {
		l, err := m.Line.In(ctx)
		if err != nil {
			return "", err
		}
		return letter + " over " + l.String(), nil
	}, &m.posted)
	module.DeclareSource(s, m.Letters, func(ev *module.Event, letter string) error {
		m.post.Start(ev, letter)
		return nil
	})
}

func newMail() *mail { return &mail{office: &office{refuses: task.None, open: map[task.ID]int{}}} }

// Each task has its own objects, in handlers and calls; they pass with the task, and when all
// has ended each that was opened is closed once (16.07).
func TestObjects(t *testing.T) {
	t.Parallel()
	m := newMail()
	t.Run("run", func(t *testing.T) {
		kit := clustertest.Start(t, m, clustertest.Config{Tasks: 4})
		write := func(letter string) {
			t.Helper()
			if _, err := m.Letters.Append(t.Context(), kit, letter); err != nil {
				t.Fatal(err)
			}
			text, err := m.Sent.Key(letter).Get(kit)
			at := task.OfString(letter, 4)
			want := fmt.Sprintf("line %d of 4, behind line %d of 4 and line %d of 4", at, at, at)
			if err != nil || text != want {
				t.Errorf("letter %s was sent by %q, %v, want %q", letter, text, err, want)
			}
		}
		for i := range 8 {
			write(fmt.Sprint("letter ", i))
		}
		if opened, closed := m.office.counts(); opened != 4 || closed != 0 {
			t.Errorf("%d opened, %d closed, want 4 and 0", opened, closed)
		}
		if _, err := kit.Cluster().AddWorker(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			write(fmt.Sprint("another ", i))
		}
		if opened, _ := m.office.counts(); opened < 5 {
			t.Errorf("%d opened: no task has moved", opened)
		}
	})
	m.office.mu.Lock()
	defer m.office.mu.Unlock()
	if m.office.opened != m.office.closed {
		t.Errorf("%d were opened and %d closed", m.office.opened, m.office.closed)
	}
	for id, n := range m.office.open {
		if n != 0 {
			t.Errorf("task %d has %d lines open", id, n)
		}
	}
}

// A task whose object does not open halts, and says why; what it had opened is closed.
func TestObjectsThatDoNotOpen(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]*office{
		"task 2 halted: object line does not open: no line is free":  {refuses: 2},
		"task 1 halted: object line: opening it panicked: no paper":  {refuses: 1, panics: true},
		"task 3 halted: object second does not open: no second line": {refuses: 103},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			o.open = map[task.ID]int{}
			c, err := localcluster.Start(t.Context(), localcluster.Config{})
			if err != nil {
				t.Fatal(err)
			}
			err = c.Launch(t.Context(), &mail{office: o}, localcluster.LaunchConfig{Tasks: 4})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("launched: %v, want %q", err, want)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if opened, closed := o.counts(); opened != closed {
				t.Errorf("%d were opened and %d closed", opened, closed)
			}
		})
	}
}
