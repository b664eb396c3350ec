package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/bankmicrobatch"
	"github.com/coppice-run/coppice/module"
)

// subject is a module under test: what is appended to it, and what must come out.
type subject interface {
	// Module is what workers run, and clients use.
	Module() module.Module
	// prepare appends what the rest needs, before anything breaks.
	prepare(ctx context.Context, c *client.Client) error
	// append appends the record number of a loop, and waits until it is known what
	// became of it, through any faults. It reports whether that was acked. Called by
	// several loops at once.
	append(c *client.Client, loop string, number int) (acked bool)
	// check reads what is left, when all is mended and all appends have returned.
	check(ctx context.Context, c *client.Client) (*verdict, error)
}

// outputs is a subject that writes to topics of others.
type outputs interface {
	// makeTopics makes them, before the workers start.
	makeTopics(ctx context.Context, kafka string) error
	// checkTopics reads them behind check; kept says that no server can have lost what it answered.
	checkTopics(ctx context.Context, kafka string, kept bool, v *verdict) error
}

// subjects makes the modules by name.
var subjects = map[string]func() subject{
	"ledger": func() subject { return &ledgerRun{} },
	"bank":   func() subject { return &bankRun{} },

	"bank-microbatch": func() subject { return &microRun{bank: bankmicrobatch.Bank{Statements: statements}} },
}

func subjectOf(name string) (subject, error) {
	if made := subjects[name]; made != nil {
		return made(), nil
	}
	return nil, fmt.Errorf("no module %q: there are ledger, bank and bank-microbatch", name)
}

// verdict is what the checkers found.
type verdict struct {
	appends int // that were acked
	lost    []string
	doubled []string // what took effect more than once, and may not
	what    string   // the name of that in the last line
	strange []error
	more    []string // what else there is to tell
}

func (v *verdict) tell(format string, args ...any) {
	v.more = append(v.more, fmt.Sprintf(format, args...))
}

func (v *verdict) strangely(format string, args ...any) {
	v.strange = append(v.strange, fmt.Errorf(format, args...))
}

func (v *verdict) told() string { return strings.Join(v.more, ", ") }
