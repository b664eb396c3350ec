package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/cupwriter"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/overview"
)

// examiner looks at an installation. What it sees of the modules stays with it.
type examiner struct {
	r    *remote
	wait func(context.Context, time.Duration) error // between two looks at the modules
	now  func() time.Time
	// modules are as they were last seen; nil where they could not be looked at.
	modules []overview.Entry
}

// examiner makes one that waits by the clock, and says so to who sits before a terminal.
func (r *remote) examiner(cmd *cobra.Command) *examiner {
	errs := cmd.ErrOrStderr()
	if !cupwriter.New(errs, false).IsTerminal() {
		errs = io.Discard
	}
	return &examiner{r: r, now: time.Now, wait: func(ctx context.Context, d time.Duration) error {
		fmt.Fprintf(errs, "coppice: records are to be done: waiting %v, to see whether they get on\n", d)
		return sleep(ctx, d)
	}}
}

// sleep waits so long, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// examine looks at everything that can be reached; the worst comes first.
func (x *examiner) examine(ctx context.Context) (f findings) {
	defer func() { f.sort() }()
	log, kafka := x.r.examineKafka(ctx, &f)
	state := x.r.examineRedis(ctx, &f)
	if log != nil {
		defer log.Close()
	}
	if state != nil {
		defer state.Close()
	}
	if kafka == nil || state == nil {
		f.add(risky, "modules", "they were not looked at, for a server does not answer", "mend that first")
		return f
	}
	network, err := x.r.servers.Network(nil)
	if err != nil {
		f.add(broken, "workers", err.Error(), "mend the flags and files of --workers-cert and its like")
		return f
	}
	c, err := client.New(client.Config{Log: log, Store: state, Network: network})
	if err != nil {
		f.add(broken, "client", err.Error(), "mend what it says")
		return f
	}
	defer c.Close()
	x.examineModules(ctx, &f, c, log, kafka)
	return f
}

// examineModules looks at each module twice where it has something to do, so that what stands
// still shows.
func (x *examiner) examineModules(ctx context.Context, f *findings, c *client.Client, log *kafkadepot.Log, kafka *kafkadepot.Facts) {
	all, err := overview.New(overview.Config{Cluster: c, Now: x.now}).Twice(ctx, x.wait)
	if err != nil {
		f.add(broken, "modules", unseen+err.Error(), "mend what it says, and look again")
		return
	}
	if x.modules = all; len(all) == 0 {
		f.add(fine, "modules", "none has run on these servers yet", "")
	}
	plans := make([]*module.Plan, len(all)) // nil: the module has an error
	var names []string
	for i := range all {
		if plans[i], err = c.Plan(ctx, all[i].Info.Name); err == nil {
			names = append(names, topicsOfOthers(plans[i])...)
		}
	}
	others, err := log.TopicFacts(ctx, names...)
	if err != nil {
		f.add(broken, "topics of others", unseen+err.Error(), "start the brokers, or let the user describe topics")
		return
	}
	for i := range others {
		judgeTopic(f, &others[i], len(kafka.Brokers))
	}
	kafka.Topics = append(kafka.Topics, others...)
	for i := range all {
		judgeModule(ctx, f, log, plans[i], &all[i], kafka)
	}
}

// judgeModule says what is found of a module, or that all is well.
func judgeModule(ctx context.Context, f *findings, log depot.Log, plan *module.Plan, e *overview.Entry, kafka *kafkadepot.Facts) {
	about, before := "module "+e.Info.Name, len(*f)
	if plan != nil {
		judgeDepots(f, plan, kafka)
	}
	for _, one := range e.Findings() {
		level := risky
		if one.Severity == overview.Broken {
			level = broken
		}
		what := one.What
		if one.Waits != "" {
			what += "; it waits for " + one.Waits
		}
		f.add(level, about, what, one.Mend)
	}
	if e.Module == nil {
		return
	}
	if plan != nil {
		judgeRetention(ctx, f, log, plan, e.Module, kafka)
	}
	if len(*f) == before {
		f.add(fine, about, fmt.Sprintf("%s on %s, %s to do", count(len(e.Module.Tasks), "task"), count(len(e.Module.Workers), "worker"), count(int(e.Module.Lag()), "record")), "")
	}
}
