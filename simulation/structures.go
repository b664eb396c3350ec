package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Structures is the workload of lists, sets and fixed keys: each record does one thing
// to the structures of its key, and notes what it saw, which is what Go's own would have
// shown. A second topology reads along, and must never see half of an event.
func Structures() Workload {
	return Workload{Name: "structures", RecordsMax: 250, New: func() Case { return &structuresCase{} }}
}

// thing is what lies under a key.
type thing struct {
	pstate.Fixed[thing]
	Count pstate.Value[int]
	Queue pstate.List[int]
	Seen  pstate.Set[int]
	Rows  pstate.ListOf[pstate.Map[int, int]]
	Marks pstate.SortedMap[float64, int]
}

type structures struct {
	Deeds  module.Depot[deed]
	Things pstate.MapOf[string, thing]
	Left   pstate.Map[string, int]                       // written with every record,
	Right  pstate.SortedMap[string, int]                 // and always alike
	Saw    pstate.MapOf[string, pstate.Map[int, string]] // by record: what it saw
	Torn   pstate.MapOf[string, pstate.Map[int, string]] // by record: what the watcher saw, "" if it is whole
}

func (m *structures) Define(b *module.Builder) {
	module.HashDepot(b, &m.Deeds, "deeds", func(d deed) string { return d.Key })
	s := b.Stream("structures")
	s.PState(&m.Things, "things")
	s.PState(&m.Left, "left")
	s.PState(&m.Right, "right")
	s.PState(&m.Saw, "saw")
	module.DeclareSource(s, m.Deeds, m.onDeed, module.StartFromBeginning(), module.MaxAttempts(0))
	watcher := b.Stream("watcher")
	watcher.PState(&m.Torn, "torn")
	module.DeclareSource(watcher, m.Deeds, m.watch, module.StartFromBeginning(), module.MaxAttempts(0))
}

func (m *structures) onDeed(ev *module.Event, d deed) error {
	saw, err := m.do(ev, m.Things.Key(d.Key), d)
	m.Saw.Key(d.Key).Key(d.Number).Set(ev, saw)
	m.Left.Key(d.Key).Set(ev, d.Number)
	m.Right.Key(d.Key).Set(ev, d.Number)
	return err
}

// watch reads what the other topology has committed: its two writes of a record are
// seen together, or not at all (promise 3.46).
// watchedOf is of how many records the watcher looks at one: a look costs as much as
// some deeds.
const watchedOf = 3

func (m *structures) watch(ev *module.Event, d deed) error {
	if d.Number%watchedOf != 0 {
		return nil
	}
	left, err := m.Left.Key(d.Key).Get(ev)
	right, err2 := m.Right.Key(d.Key).Get(ev)
	n, err3 := m.Things.Key(d.Key).Queue.Len(ev)
	held := 0
	for _, err := range m.Things.Key(d.Key).Queue.Range(ev, pstate.All[int]()) {
		if err != nil {
			return err
		}
		held++
	}
	text := ""
	if left != right || n != held {
		text = fmt.Sprintf("left %d, right %d, a list of %d holds %d", left, right, n, held)
	}
	m.Torn.Key(d.Key).Key(d.Number).Set(ev, text)
	return errors.Join(err, err2, err3)
}

// structureOps is the number of different deeds.
const structureOps = 16

func (m *structures) do(ev *module.Event, t thing, d deed) (saw string, err error) {
	switch d.Op {
	case 0:
		return fmt.Sprint(t.Count.Update(ev, func(n int) int { return n + d.A })), nil
	case 1, 2:
		t.Queue.Push(ev, d.A)
	case 3:
		t.Queue.PushFront(ev, d.A)
	case 4:
		v, ok := t.Queue.Pop(ev)
		return fmt.Sprint(v, ok), nil
	case 5:
		v, ok := t.Queue.PopFront(ev)
		return fmt.Sprint(v, ok), nil
	case 6:
		return seenList(ev, t.Queue, listSpan(d))
	case 7:
		v, ok, err := t.Queue.Get(ev, d.A)
		return fmt.Sprint(v, ok), err
	case 8:
		return fmt.Sprint(t.Seen.Add(ev, d.A)), nil
	case 9:
		return fmt.Sprint(t.Seen.Remove(ev, d.A)), nil
	case 10:
		n, err := t.Seen.Len(ev)
		return fmt.Sprint(n), err
	case 11:
		t.Rows.Push(ev).Key(d.A).Set(ev, d.B)
	case 12:
		return fmt.Sprint(t.Rows.Pop(ev)), nil
	case 13:
		return seenRows(ev, t.Rows)
	case 14:
		t.Marks.Key(float64(d.A)/4).Set(ev, d.B)
		return seenMarks(ev, t.Marks)
	case 15:
		if d.A == 0 {
			m.Things.Delete(ev, d.Key)
		}
	}
	return "", nil
}

func listSpan(d deed) pstate.Span[int] {
	span := pstate.From(d.A)
	if d.B%2 == 0 {
		span = span.Reverse()
	}
	return span.Limit(max(d.B, 0))
}

func seenList(r pstate.Reader, l pstate.List[int], span pstate.Span[int]) (string, error) {
	var out strings.Builder
	for e, err := range l.Range(r, span) {
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "%d=%d ", e.Key, e.Val)
	}
	return out.String(), nil
}

func seenRows(r pstate.Reader, rows pstate.ListOf[pstate.Map[int, int]]) (string, error) {
	var out strings.Builder
	for row, err := range rows.All(r) {
		if err != nil {
			return "", err
		}
		n, err := row.Len(r)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "%d ", n)
	}
	return out.String(), nil
}

func seenMarks(r pstate.Reader, marks pstate.SortedMap[float64, int]) (string, error) {
	var out strings.Builder
	for e, err := range marks.Range(r, pstate.All[float64]()) {
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "%v=%d ", e.Key, e.Val)
	}
	return out.String(), nil
}

type structuresCase struct {
	m     structures
	deeds []deed
}

func (c *structuresCase) Module() module.Module { return &c.m }

func (c *structuresCase) Append(a module.Appender, r *rand.Rand, number int) error {
	d := deed{Number: number, Key: fmt.Sprintf("k%d", r.IntN(4)), Op: r.IntN(structureOps), A: r.IntN(8) - 2, B: r.IntN(8) - 2}
	c.deeds = append(c.deeds, d)
	_, err := c.m.Deeds.Append(context.Background(), a, d)
	return err
}

func (c *structuresCase) Acked(int, module.Acks) error { return nil }

func (c *structuresCase) Check(r pstate.Reader, _ func(int) bool) error {
	models := map[string]*thingModel{}
	var wrong []error
	for _, d := range c.deeds {
		model := models[d.Key]
		if model == nil {
			model = newThingModel()
			models[d.Key] = model
		}
		want := model.do(d)
		if got, ok, err := c.m.Saw.Key(d.Key).Key(d.Number).Lookup(r); err != nil || !ok || got != want {
			wrong = append(wrong, fmt.Errorf("record %d (%+v) saw %q (there %v, error %v), Go's own would have shown %q", d.Number, d, got, ok, err, want))
		}
		if text, ok, err := c.m.Torn.Key(d.Key).Key(d.Number).Lookup(r); text != "" || ok != (d.Number%watchedOf == 0) || err != nil {
			wrong = append(wrong, fmt.Errorf("beside record %d (%+v) the watcher saw half of an event: %s (there %v, error %v)", d.Number, d, text, ok, err))
		}
	}
	for _, key := range sortedKeys(models) {
		model, t := models[key], c.m.Things.Key(key)
		queue, err := seenList(r, t.Queue, pstate.All[int]())
		rows, err2 := seenRows(r, t.Rows)
		marks, err3 := seenMarks(r, t.Marks)
		n, err4 := t.Seen.Len(r)
		count, err5 := t.Count.Get(r)
		got := fmt.Sprint(queue, "|", rows, "|", marks, "|", n, "|", count)
		if err := errors.Join(err, err2, err3, err4, err5); err != nil || got != model.all() {
			wrong = append(wrong, fmt.Errorf("under %s there is %s (error %v), want %s", key, got, err, model.all()))
		}
	}
	return errors.Join(wrong...)
}
