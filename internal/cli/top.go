package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/cupwriter"

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
		Long: "Show all modules, or one with its topologies and busiest tasks, again and again until Ctrl-C: records\ndone per second, in flight, to do, parked; what stands still, and what it waits for.\n\n" +
			"On a terminal each look takes the place of the one before; elsewhere looks follow each other. With\n--json each look is a line.",
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
				screen := cupwriter.New(t.out, false)
				t.clear = screen.IsTerminal() && looks != 1
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
	clear  bool // the screen before each look
}

func (t *top) run(ctx context.Context, period time.Duration, looks int) error {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for n := 1; ; n++ {
		all, err := t.modules(ctx)
		switch {
		case err == nil:
			err = t.show(all)
		case n > 1 && looks == 0 && ctx.Err() == nil:
			err = t.lost(err) // what is away when something is wrong may come back
		}
		if err != nil || n == looks {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// lost shows, in the place of a look, why there is none.
func (t *top) lost(why error) error {
	if t.json {
		return printLine(t.out, struct {
			Error string `json:"error"`
		}{why.Error()})
	}
	_, err := fmt.Fprintf(t.out, "\n%s: nothing is to be seen, and is tried again: %s\n", time.Now().Format(time.TimeOnly), legible(why.Error()))
	return err
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
	var page strings.Builder
	if t.clear {
		page.WriteString("\x1b[H\x1b[2J")
	}
	if err := t.write(&page, all); err != nil {
		return err
	}
	_, err := io.WriteString(t.out, page.String())
	return err
}

// inFlight is how many records of a topology are under way, and for the fullest task of how many
// that may be.
func inFlight(t *overview.Topology) string {
	if t.Limit == 0 {
		return "-"
	}
	return fmt.Sprintf("%d (%d/%d)", t.InFlight, t.Fullest, t.Limit)
}

func (t *top) write(out io.Writer, all []overview.Entry) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "no module runs on these servers")
		return err
	}
	var rows [][]string
	for _, e := range all {
		if e.Module == nil {
			rows = append(rows, []string{e.Info.Name, "-", "-", "-", "-", "-", "-", "-", e.Error})
			continue
		}
		m := e.Module
		for i := range m.Topologies {
			one := &m.Topologies[i]
			state := "caught up"
			switch {
			case one.Paused:
				state = "paused"
			case !one.StandsSince.IsZero():
				state = "stands still"
			case one.Lag > 0:
				state = "works"
			}
			rows = append(rows, []string{m.Name, one.Name, fmt.Sprintf("%.1f", one.DonePerSecond), fmt.Sprintf("%.1f", one.AppendedPerSecond), inFlight(one), fmt.Sprint(one.Lag), fmt.Sprint(one.Retries), fmt.Sprint(m.Parked), state})
		}
	}
	if err := table(out, "MODULE TOPOLOGY DONE/S APPENDED/S IN-FLIGHT TO-DO RETRIES PARKED STATE", rows); err != nil {
		return err
	}
	for _, e := range all {
		if e.Module == nil {
			continue
		}
		for _, f := range e.Module.Findings {
			fmt.Fprintf(out, "\n%s: %s\n", e.Module.Name, legible(f.What))
			if f.Waits != "" {
				fmt.Fprintf(out, "  waits for %s\n", legible(f.Waits))
			}
			fmt.Fprintf(out, "  → %s\n", f.Mend)
		}
	}
	if t.module != "" {
		return t.writeTasks(out, all[0].Module)
	}
	return nil
}

// tasksShown is how many tasks one look shows at most.
const tasksShown = 20

// writeTasks writes the tasks that have something to do, or do not run.
func (t *top) writeTasks(out io.Writer, m *overview.Module) error {
	var rows [][]string
	busy := 0
	for i := range m.Tasks {
		one := &m.Tasks[i]
		if one.State == overview.TaskRuns && one.Waits == "" && one.Status.Queued == 0 && one.Status.Pending == 0 {
			continue
		}
		if busy++; busy > tasksShown {
			continue
		}
		queued, pending := "-", "-"
		if one.Status != nil {
			queued, pending = fmt.Sprint(one.Status.Queued), fmt.Sprint(one.Status.Pending)
		}
		rows = append(rows, []string{fmt.Sprint(one.Task), string(one.State), orDash(one.Owner), ownedSince(one), queued, pending, orDash(one.Waits)})
	}
	fmt.Fprintf(out, "\n%d of %d tasks have something to do", busy, len(m.Tasks))
	if busy > len(rows) {
		fmt.Fprintf(out, "; the first %d are", len(rows))
	}
	fmt.Fprintln(out)
	if len(rows) == 0 {
		return nil
	}
	return table(out, "TASK STATE OWNER SINCE QUEUED IN-FLIGHT WAITS-FOR", rows)
}

// ownedSince is when the owner took the task, and how long that took, as far as that is known.
func ownedSince(t *overview.Task) string {
	switch {
	case t.OwnerSince.IsZero() || t.Owner == "":
		return "-"
	case !t.HandedOver:
		return "before " + t.OwnerSince.UTC().Format(time.RFC3339)
	case t.TakeOverSeconds == 0:
		return t.OwnerSince.UTC().Format(time.RFC3339)
	}
	return tookIn(t.OwnerSince, time.Duration(t.TakeOverSeconds*float64(time.Second)))
}

func tookIn(at time.Time, took time.Duration) string {
	return fmt.Sprintf("%s (took %v)", at.UTC().Format(time.RFC3339), took.Round(time.Microsecond))
}
