package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

// storedBytes is the size of each value that is there before a topology begins: digits that
// are counted up, and padding.
const (
	storedBytes  = 1_000
	storedDigits = 8
)

// keeping counts in the first digits of large values.
type keeping struct {
	name   string
	Clicks module.Depot[string]
	Pages  pstate.Map[string, string]
}

func (m *keeping) ModuleName() string { return m.name }

func (m *keeping) Define(b *module.Builder) {
	module.HashDepot(b, &m.Clicks, "clicks", keyOf, module.Text())
	s := b.Stream("keep")
	s.PState(&m.Pages, "pages")
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, v string) error {
		page, _ := m.Pages.Key(keyOf(v)).Get(ev)
		n, err := strconv.Atoi(page[:storedDigits])
		if err != nil {
			return err
		}
		m.Pages.Key(keyOf(v)).Set(ev, storedPage(n+1))
		return nil
	}, module.StartFromBeginning())
}

var storedPadding = strings.Repeat("x", storedBytes-storedDigits)

// storedPage is the page that was counted up to n; quotedPage is how Redis has it, as JSON.
func storedPage(n int) string { return fmt.Sprintf("%0*d", storedDigits, n) + storedPadding }

func quotedPage(n int) string { return strconv.Quote(storedPage(n)) }

// growStored measures against what Redis holds already: each event reads a large value that
// is not in memory, and writes it again.
func growStored(ctx context.Context, s *servers, o options, r *report) error {
	c := r.curve(&curve{Name: "stored", Title: "events that read and write a value of 1,000 B, against what is stored", X: "MB stored", Y: "events/s", LogX: true})
	memory := r.curve(&curve{Name: "stored-memory", Title: "memory of the worker against what is stored", X: "MB stored", Y: "MB of heap, most", LogX: true})
	for _, megabytes := range []int{10, 100, 1_000, 5_000} {
		p, err := s.stored(ctx, o, r.growing(), megabytes)
		if err != nil {
			return fmt.Errorf("%d MB: %w", megabytes, err)
		}
		c.addPoint("read and written", float64(megabytes), p.rate, p)
		memory.add("read and written", float64(megabytes), p.heap)
	}
	return nil
}

// pages is how many values so many megabytes are.
func pages(megabytes int) int { return megabytes * 1_000_000 / storedBytes }

// stored measures one point: the values are put once, and each round counts on.
func (s *servers) stored(ctx context.Context, o options, f *figure, megabytes int) (pointed, error) {
	next := keysOf(pages(megabytes))
	in, err := s.fill(ctx, moduleName("GrowStored"), "clicks", tasks, o.count/4, next)
	if err != nil {
		return pointed{}, err
	}
	defer s.drop(ctx, in)
	if err := errors.Join(s.storePages(ctx, in, pages(megabytes)), s.settled(ctx)); err != nil {
		return pointed{}, err
	}
	return s.measured(ctx, o, f, in, next, s.countingOn(ours))
}

// countingOn is the engine with a module that counts on from what the rounds before have left.
func (s *servers) countingOn(name string) subject {
	before, known := map[string]int64{}, true // the counts that were there before a round
	since := func(ctx context.Context, in *input) (map[string]int64, error) {
		counts, err := s.countedPages(ctx, in)
		for key := range counts {
			counts[key] -= before[key]
		}
		return counts, err
	}
	return subject{
		name: name,
		// All but the pages begins anew.
		before: func(ctx context.Context, in *input) (err error) {
			if !known { // a round was run in vain, and has counted all the same
				if before, err = s.countedPages(ctx, in); err != nil {
					return err
				}
			}
			known = false
			return s.afresh(ctx, in.module, in.tasks, pagesOf(in)...)
		},
		run: func(ctx context.Context, in *input) (time.Duration, error) {
			took, err := s.process(ctx, in, &keeping{name: in.module}, since)
			if err != nil {
				return 0, err
			}
			counts, err := since(ctx, in)
			if err == nil {
				err = in.check(counts)
			}
			if err != nil {
				return 0, err
			}
			for key, n := range counts {
				before[key] += n
			}
			known = true
			return took, nil
		},
	}
}

// pagesOf are the tables of an input's tasks.
func pagesOf(in *input) (tables []string) {
	for i := range in.tasks {
		tables = append(tables, "{"+task.Tag(in.module, task.ID(i), in.tasks)+"}:p:pages")
	}
	return tables
}

// storePages gives so many keys a page each.
func (s *servers) storePages(ctx context.Context, in *input, keys int) error {
	const perCommand, perTrip = 500, 8
	tables, page := pagesOf(in), quotedPage(0)
	pending := make([][]any, in.tasks)
	pipe := s.redis.Pipeline()
	flush := func(i, least int) error {
		if len(pending[i]) > 0 {
			pipe.HSet(ctx, tables[i], pending[i]...)
			pending[i] = nil
		}
		if pipe.Len() < least {
			return nil
		}
		_, err := pipe.Exec(ctx)
		return err
	}
	for k := range keys {
		key := keyName(k)
		i := int(task.Of([]byte(key), in.tasks))
		if pending[i] = append(pending[i], key, page); len(pending[i]) >= 2*perCommand {
			if err := flush(i, perTrip); err != nil {
				return err
			}
		}
	}
	for i := range pending {
		if err := flush(i, 1); err != nil {
			return err
		}
	}
	return nil
}

// countedPages reads the pages that the input names, and how far each is counted up.
func (s *servers) countedPages(ctx context.Context, in *input) (map[string]int64, error) {
	tables, counts := pagesOf(in), make(map[string]int64, len(in.fold))
	asked := make([][]string, in.tasks)
	ask := func(i int) error {
		stored, err := s.redis.HMGet(ctx, tables[i], asked[i]...).Result()
		if err != nil {
			return err
		}
		for at, key := range asked[i] {
			page, _ := stored[at].(string)
			if counts[key], err = countOf(page); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
		asked[i] = asked[i][:0]
		return nil
	}
	for key := range in.fold {
		i := int(task.Of([]byte(key), in.tasks))
		if asked[i] = append(asked[i], key); len(asked[i]) >= 1_000 {
			if err := ask(i); err != nil {
				return nil, err
			}
		}
	}
	for i := range asked {
		if len(asked[i]) > 0 {
			if err := ask(i); err != nil {
				return nil, err
			}
		}
	}
	return counts, nil
}

// countOf is how far a page is counted up that Redis has. All of the page is looked at.
func countOf(quoted string) (int64, error) {
	if len(quoted) > storedDigits {
		if n, err := strconv.Atoi(quoted[1 : 1+storedDigits]); err == nil && quoted == quotedPage(n) {
			return int64(n), nil
		}
	}
	return 0, fmt.Errorf("%.*q is no page", 1+storedDigits, quoted)
}
