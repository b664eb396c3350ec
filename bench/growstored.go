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
	c := r.curve(&curve{Name: "stored", Title: "events that read and write a value of 1,000 B, against what is stored", X: "MB stored", Y: "events/s", LogX: true,
		Reason: "A task reads from Redis what its events ask for and memory does not have, and nothing else. Of 250,000 events 4 % are the first to meet their value with 10 MB, 37 % with 100 MB, 88 % with 1 GB and 98 % with 5 GB (computed): the knee is where most are. From there on what is stored costs nothing more."})
	memory := r.curve(&curve{Name: "stored-memory", Title: "memory of the worker against what is stored", X: "MB stored", Y: "MB of heap, most", LogX: true,
		Reason: "The worker holds what it has met, up to pstate.cache.entries.max of each task, not what is stored."})
	for _, megabytes := range []int{10, 100, 1_000, 5_000} {
		rate, heap, err := s.stored(ctx, o, megabytes)
		if err != nil {
			return fmt.Errorf("%d MB: %w", megabytes, err)
		}
		c.add("read and written", float64(megabytes), rate)
		memory.add("read and written", float64(megabytes), heap)
	}
	return nil
}

// stored measures one point: the values are put once, and each round counts on.
func (s *servers) stored(ctx context.Context, o options, megabytes int) (rate, heap float64, err error) {
	keys := megabytes * 1_000_000 / storedBytes
	in, err := s.fill(ctx, moduleName("GrowStored"), "clicks", tasks, o.count/4, keysOf(keys))
	if err != nil {
		return 0, 0, err
	}
	defer s.drop(ctx, in)
	if err := errors.Join(s.storePages(ctx, in, keys), s.settled(ctx)); err != nil {
		return 0, 0, err
	}
	runs := 0
	return s.measured(ctx, o, in, subject{
		name: ours,
		// All but the pages begins anew.
		before: func(ctx context.Context, in *input) error { return s.afresh(ctx, in.module, in.tasks, pagesOf(in)...) },
		run: func(ctx context.Context, in *input) (time.Duration, error) {
			took, err := s.process(ctx, in, &keeping{name: in.module})
			if err != nil {
				return 0, err
			}
			runs++
			return took, s.checkPages(ctx, in, runs)
		},
	})
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

// checkPages compares the pages that the input names with its fold, counted so many times.
func (s *servers) checkPages(ctx context.Context, in *input, runs int) error {
	tables := pagesOf(in)
	asked := make([][]string, in.tasks)
	ask := func(i int) error {
		pages, err := s.redis.HMGet(ctx, tables[i], asked[i]...).Result()
		if err != nil {
			return err
		}
		for at, key := range asked[i] {
			page, _ := pages[at].(string)
			if want := quotedPage(runs * int(in.fold[key])); page != want {
				return fmt.Errorf("%s has %.*s behind %d rounds, the input makes it %.*s", key, 1+storedDigits, page, runs, 1+storedDigits, want)
			}
		}
		asked[i] = asked[i][:0]
		return nil
	}
	for key := range in.fold {
		i := int(task.Of([]byte(key), in.tasks))
		if asked[i] = append(asked[i], key); len(asked[i]) >= 1_000 {
			if err := ask(i); err != nil {
				return err
			}
		}
	}
	for i := range asked {
		if len(asked[i]) > 0 {
			if err := ask(i); err != nil {
				return err
			}
		}
	}
	return nil
}
