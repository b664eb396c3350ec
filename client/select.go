package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/coppice-run/coppice/internal/navtext"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/reading"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Errors of paths as text, for errors.Is.
var (
	ErrNoPState  = errors.New("unknown PState")
	ErrWrongPath = navtext.ErrWrongPath // no path, or one that does not fit the PState
	ErrWrongType = navtext.ErrWrongType // a key or value of a type that does not fit
	ErrTooLarge  = navtext.ErrTooLarge  // one value of the result would hold more than 1,000 elements
	ErrNoTask    = reading.ErrNoTask
	// ErrPlacedByCode: the path names a key, and only the module's code knows which task
	// holds it. Say which with Tasks.
	ErrPlacedByCode = pstate.ErrPlacedByCode
)

// PathError says what is wrong with a path, and where. It is an ErrWrongPath, an
// ErrWrongType or an ErrTooLarge.
type PathError = navtext.Error

// Selection is a path as text into a PState of a running module. The module's code is not
// needed: the schema is the one that it has registered. docs/guides/clients.md lists the
// steps of a path.
type Selection struct {
	Module string
	PState string
	Path   string // "" is the whole PState
	// Tasks are those that are read, in this order. Nil: the task of the key that the path
	// names, else all.
	Tasks []task.ID
	// Limit ends the result after so many values; 0: no limit.
	Limit int
}

// SelectedPage is a part of what a selection leads to: all of it is of one moment.
type SelectedPage struct {
	Task   task.ID           `json:"task"`
	Commit string            `json:"commit"` // the commit that the values are of: token/number
	Values []json.RawMessage `json:"values"`
}

// Select reads what a path leads to, in pages. What lies on one task, up to 1,000 values
// and 1 MiB that are read for them, is one page, of one moment; beyond that each page is
// as the store has answered it, with its commit. It reads no more than what the path
// leads through. The sequence ends after an error.
//
// Errors: ErrNoModule, ErrNoPState, *PathError, ErrNoTask, ErrPlacedByCode, pstate.ErrPrivate.
func (c *Client) Select(ctx context.Context, s Selection) iter.Seq2[SelectedPage, error] {
	return func(yield func(SelectedPage, error) bool) {
		q, err := c.selecting(ctx, &s)
		if err != nil {
			yield(SelectedPage{}, err)
			return
		}
		for _, id := range q.tasks {
			if q.left == 0 || !q.task(id, yield) {
				return
			}
		}
	}
}

// SelectOne reads the one value that a path leads to, with the commit that it is of.
// Errors: those of Select, and nav.ErrNone or nav.ErrMany if it leads to another number of
// values.
func (c *Client) SelectOne(ctx context.Context, s Selection) (SelectedPage, error) {
	if s.Limit == 0 || s.Limit > 2 {
		s.Limit = 2
	}
	var one SelectedPage
	for page, err := range c.Select(ctx, s) {
		switch {
		case err != nil:
			return SelectedPage{}, err
		case len(page.Values) == 0:
		case len(page.Values) > 1 || one.Values != nil:
			return SelectedPage{}, fmt.Errorf("PState %s.%s, path %q: %w", s.Module, s.PState, s.Path, nav.ErrMany)
		default:
			one = page
		}
	}
	if one.Values == nil {
		return SelectedPage{}, fmt.Errorf("PState %s.%s, path %q: %w", s.Module, s.PState, s.Path, nav.ErrNone)
	}
	return one, nil
}

// selecting is a selection that fits.
type selecting struct {
	c       *Client
	ctx     context.Context
	b       *bound
	program *navtext.Program
	tasks   []task.ID
	left    int // values to give; -1: no limit
	page    int // values of a page at most
	seen    func(store.Slot, task.Mark)
}

func (c *Client) selecting(ctx context.Context, s *Selection) (*selecting, error) {
	path, err := navtext.Parse(s.Path)
	if err != nil {
		return nil, err
	}
	b, err := c.named(ctx, s.Module)
	if err != nil {
		return nil, err
	}
	plan, err := b.pstate(s.PState)
	if errors.Is(err, ErrNoPState) {
		if b, err = c.bind(ctx, s.Module, nil); err == nil { // it may be a later version's
			plan, err = b.pstate(s.PState)
		}
	}
	if err != nil {
		return nil, err
	}
	decl := &overlay.Decl{
		Module: b.name, Name: plan.Name, Owner: plan.Topology, Schema: pstate.SchemaOf(plan.Layout),
		Global: plan.Global, Private: plan.Private, Initial: plan.Initial,
	}
	if plan.Private {
		return nil, fmt.Errorf("PState %s.%s: %w", b.name, plan.Name, pstate.ErrPrivate)
	}
	q := &selecting{c: c, ctx: ctx, b: b, left: -1, page: store.ElementsMax}
	if q.program, err = path.Compile(decl, s.Limit); err != nil {
		return nil, err
	}
	if s.Limit > 0 {
		q.left = s.Limit
	}
	if n := q.program.Limit; n > 0 && !q.program.Count {
		q.left = n // of all tasks together; Limit is in it
	}
	if n := q.program.Page; n > 0 {
		q.page = n
	}
	q.tasks, err = q.places(s, plan)
	return q, err
}

// pstate finds a PState by its name, also one of an earlier version.
func (b *bound) pstate(name string) (*module.PStatePlan, error) {
	for _, p := range slices.Concat(b.plan.PStates, b.former) {
		if p.Name == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("module %s, PState %q: %w; it has %s", b.name, name, ErrNoPState, names(b.plan.PStates, func(p *module.PStatePlan) string { return p.Name }))
}

// places are the tasks to read.
func (q *selecting) places(s *Selection, plan *module.PStatePlan) ([]task.ID, error) {
	for _, id := range s.Tasks {
		if id < 0 || int(id) >= q.b.tasks {
			return nil, fmt.Errorf("module %s, task %d: %w; it has 0 to %d", q.b.name, id, ErrNoTask, q.b.tasks-1)
		}
	}
	id, named, err := q.program.Task(q.b.tasks)
	switch {
	case len(s.Tasks) > 0 && !plan.Global:
		return s.Tasks, nil
	case named && plan.OwnPartitioner && !plan.Global:
		err = ErrPlacedByCode
	}
	if err != nil {
		return nil, fmt.Errorf("PState %s.%s, path %q: %w; say which task to read, or several", q.b.name, s.PState, s.Path, err)
	}
	if named {
		return []task.ID{id}, nil
	}
	all := make([]task.ID, q.b.tasks)
	for i := range all {
		all[i] = task.ID(i)
	}
	return all, nil
}

// rejoins is how often what several answers gave is asked for again at one moment.
const rejoins = 8

// task reads one task; false ends the selection.
func (q *selecting) task(id task.ID, yield func(SelectedPage, error) bool) bool {
	view := overlay.NewDirect(&heads{q.c.direct(q.ctx, id), q.seen}).Traced()
	for try := 0; ; try++ {
		p := &pager{q: q, id: id, yield: yield}
		err := q.program.Run(view, p.take)
		switch {
		case p.stopped:
			return false
		case err != nil:
			yield(SelectedPage{}, err)
			return false
		case p.streams || !view.Torn():
			return p.flush()
		case try == rejoins:
			yield(SelectedPage{}, nav.ErrMoved)
			return false
		}
		if err := view.Rejoin(); errors.Is(err, overlay.ErrSplit) {
			return p.flush()
		} else if err != nil {
			yield(SelectedPage{}, err)
			return false
		}
	}
}

// pager puts values into pages. It holds them back as long as they may be made one
// moment of.
type pager struct {
	q       *selecting
	id      task.ID
	yield   func(SelectedPage, error) bool
	pages   []SelectedPage
	of      overlay.Moment // of the last page
	held    int            // values in pages
	streams bool           // there are too many for one moment
	stopped bool           // the caller has had enough
}

func (p *pager) take(value json.RawMessage, of overlay.Moment) bool {
	n := len(p.pages)
	if n == 0 || !p.of.Same(of) || len(p.pages[n-1].Values) == p.q.page {
		if p.streams && !p.give() {
			return false
		}
		p.pages = append(p.pages, SelectedPage{Task: p.id})
		p.of, n = overlay.Moment{}, len(p.pages)
	}
	p.of = p.of.With(of)
	page := &p.pages[n-1]
	page.Values, page.Commit = append(page.Values, value), commitText(p.of.Commit)
	p.held++
	if p.held > store.ElementsMax {
		p.streams = true
	}
	return p.q.left < 0 || p.held < p.q.left
}

// give hands over the pages that are whole.
func (p *pager) give() bool {
	for _, page := range p.pages {
		if p.q.left > 0 {
			p.q.left -= len(page.Values)
			p.held -= len(page.Values)
		}
		if p.stopped = !p.yield(page, nil); p.stopped {
			return false
		}
	}
	p.pages = nil
	return true
}

func (p *pager) flush() bool { return p.give() }

// commitText words a commit; "" where it is not known, or of several.
func commitText(m task.Mark) string {
	if m == (task.Mark{}) {
		return ""
	}
	return m.String()
}

// heads has every answer say of which commit it is.
type heads struct {
	*reading.Direct
	seen func(store.Slot, task.Mark) // hears of each answer; nil: nobody does
}

func (h *heads) Read(slot store.Slot, reads []store.Read) error {
	_, err := h.ReadAt(slot, reads)
	return err
}

// ReadAt is Read, with the commit. A store may save itself the look at the head where
// single elements are asked for; so a length is asked for, too.
func (h *heads) ReadAt(slot store.Slot, reads []store.Read) (task.Mark, error) {
	all := append(slices.Clone(reads), headRead(slot))
	head, err := h.Store.Read(h.Ctx, slot, all)
	copy(reads, all)
	if err == nil && h.seen != nil {
		h.seen(slot, head.Mark)
	}
	return head.Mark, err
}
