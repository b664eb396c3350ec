package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/overview"
)

// topCommand shows how modules are, again and again.
func topCommand() *cobra.Command {
	var r remote
	var period time.Duration
	var looks int
	cmd := &cobra.Command{
		Use: "top [MODULE]", Short: "Show how fast modules are, what stands still and what it waits for, live", Args: cobra.MaximumNArgs(1),
		Long: "Show all modules, or one with its topologies and tasks, again and again until Ctrl-C: what is found,\nthe worst first; records to do, done and added per second, in flight, parked; of one module the\ntasks that have halted, are silent or stand still, and then the busiest.\n\n" +
			"On a terminal each look takes the place of the one before, as much of it as fits; when top ends, what\nstood there before stands there again, with the last look of --looks below it. Elsewhere looks\nfollow each other. With --json each look is a line.",
		Example: "  coppice top\n  coppice top Words --looks 1 --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if period <= 0 || looks < 0 {
				return fmt.Errorf("--period is %v and --looks %d; want more than nothing, and 0 or more", period, looks)
			}
			return r.use(cmd.Context(), func(c *client.Client) error {
				t := &top{look: overview.New(overview.Config{Cluster: c, Period: period / 2}), out: cmd.OutOrStdout(), json: r.json}
				if len(args) > 0 {
					t.module = args[0]
				}
				if !t.json && looks != 1 {
					t.screen = screenOf(t.out)
				}
				return t.run(cmd.Context(), period, looks)
			})
		},
	}
	r.register(cmd)
	cmd.Flags().DurationVar(&period, "period", 2*time.Second, "time between two looks")
	cmd.Flags().IntVar(&looks, "looks", 0, "looks to make; 0: until Ctrl-C")
	cmd.ValidArgsFunction = r.completeModules
	return cmd
}

// top shows looks.
type top struct {
	look   *overview.Overview
	module string // "": all
	out    io.Writer
	json   bool
	screen *screen          // nil: looks follow each other
	last   []overview.Entry // what a screen shows
}

func (t *top) run(ctx context.Context, period time.Duration, looks int) error {
	tick := time.NewTicker(period)
	defer tick.Stop()
	if t.screen != nil {
		defer t.screen.close()
	}
	for n := 1; ; n++ {
		all, err := t.modules(ctx)
		switch {
		case err == nil:
			err = t.show(all)
		case n > 1 && looks == 0 && ctx.Err() == nil:
			err = t.lost(err) // what is away when something is wrong may come back
		}
		switch {
		case err != nil:
			return err
		case n == looks:
			return t.leave()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// leave gives the screen back, and has the last look stay on it.
func (t *top) leave() error {
	if t.screen == nil {
		return nil
	}
	width, _ := t.screen.fits()
	t.screen.close()
	t.screen = nil
	return t.print(fitted(t.page(t.last, width), 0))
}

// lost shows, in the place of a look, why there is none.
func (t *top) lost(why error) error {
	if t.json {
		return printLine(t.out, struct {
			Error string `json:"error"`
		}{why.Error()})
	}
	text := fmt.Sprintf("%s: nothing is to be seen, and is tried again: %s", time.Now().Format(time.TimeOnly), legible(why.Error()))
	if t.screen == nil {
		return t.print([]string{"", text})
	}
	width, _ := t.screen.fits()
	return t.draw(append(wrapped(text, width), "", "As it was last seen:"), t.last)
}

func (t *top) modules(ctx context.Context) ([]overview.Entry, error) {
	if t.module == "" {
		return t.look.All(ctx)
	}
	m, err := t.look.Module(ctx, t.module)
	return []overview.Entry{{Info: client.ModuleInfo{Name: t.module}, Module: m}}, err
}

func (t *top) show(all []overview.Entry) error {
	if t.json {
		if t.module != "" {
			return printLine(t.out, all[0].Module)
		}
		return printLine(t.out, struct {
			Modules []overview.Entry `json:"modules"`
		}{all})
	}
	if t.screen == nil {
		return t.print(fitted(t.page(all, 0), 0))
	}
	t.last = all
	found := 0
	for i := range all {
		found += len(all[i].Findings()) // of a module that cannot be seen, too
	}
	return t.draw([]string{fmt.Sprintf("%s  %s, %s; Ctrl-C ends this", time.Now().Format(time.TimeOnly), count(len(all), "module"), count(found, "finding"))}, all)
}

// draw fills the screen with lines, and what fits below them of a look.
func (t *top) draw(head []string, all []overview.Entry) error {
	width, height := t.screen.fits()
	head = append(head, "")
	return t.screen.draw(append(head, fitted(t.page(all, width), max(height-len(head), 1))...))
}

func (t *top) print(lines []string) error {
	_, err := io.WriteString(t.out, strings.Join(lines, "\n")+"\n")
	return err
}
