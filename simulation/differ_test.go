package simulation

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// moody writes how often it ran in this process: its runs depend on those before them.
type moody struct {
	Texts module.Depot[string]
	Seen  pstate.Map[string, int]
	ran   int
}

func (m *moody) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("moody")
	s.PState(&m.Seen, "seen")
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		m.ran++
		m.Seen.Key(v).Set(ev, m.ran)
		return nil
	}, module.StartFromBeginning())
}

// A module whose runs differ is shown where they go apart.
func TestWhereRunsDiffer(t *testing.T) {
	t.Parallel()
	m := &moody{}
	users := Users{Programs: 1, Program: func(p *Program) error {
		_, err := m.Texts.Append(context.Background(), p, "one")
		return err
	}}
	config := users.config(3, users.workload(m, nil))
	r := Twice(config)
	if !r.differs || !strings.Contains(fmt.Sprint(r.Violations), "two runs of the seed differ") {
		t.Fatalf("violations %v; want that the runs differ", r.Violations)
	}
	at := difference(config)
	if !strings.Contains(at, "go apart here") || !strings.Contains(at, `one:   `) || !strings.Contains(at, "p:seen") {
		t.Errorf("it does not show the write that differs:\n%s", at)
	}
}

// droppers hop to a step that fails, from a source without retries.
type droppers struct {
	Texts module.Depot[string]
	next  module.Step[string]
}

func (m *droppers) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("droppers")
	module.DeclareStep(s, &m.next, "next", module.Stay[string](), func(*module.Event, string) error { return errMood })
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		m.next.Send(ev, v)
		return nil
	}, module.StartFromBeginning(), module.RetryNone())
}

// A program hears of a record that was dropped what a client hears: it failed, and is not parked.
func TestProgramsHearOfDroppedRecords(t *testing.T) {
	t.Parallel()
	m := &droppers{}
	Check(t, m, Users{Programs: 1, Seeds: 5, Fails: true, Program: func(p *Program) error {
		_, err := m.Texts.Append(context.Background(), p, "one")
		if err == nil || strings.Contains(err.Error(), "parked") {
			return fmt.Errorf("appended: %v; want that it failed, and is not parked", err)
		}
		return nil
	}}, func(pstate.Reader) error { return nil })
}
