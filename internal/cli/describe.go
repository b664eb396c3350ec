package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
)

// describeCommand shows what a running module declares.
func describeCommand() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use: "describe MODULE", Short: "Show what a running module declares: depots, PStates, topologies", Args: cobra.ExactArgs(1),
		Example:           "  coppice describe Words\n  coppice describe Words --json",
		ValidArgsFunction: r.completeModules,
		RunE: func(cmd *cobra.Command, args []string) error {
			return r.use(cmd.Context(), func(c *client.Client) error {
				d, err := c.Describe(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if r.json {
					return printJSON(cmd.OutOrStdout(), d)
				}
				return printDescription(cmd.OutOrStdout(), &d)
			})
		},
	}
	r.register(cmd)
	return cmd
}

func printDescription(out io.Writer, d *client.Description) error {
	fmt.Fprintf(out, "module %s, %d tasks\n", d.Module, d.Tasks)
	section := func(title, header string, rows [][]string) error {
		if len(rows) == 0 {
			return nil
		}
		fmt.Fprintf(out, "\n%s\n", title)
		return table(out, header, rows)
	}
	var depots, topics, sources, steps, batches, topologies, queries, mirrors, mirroredBy [][]string
	for _, p := range d.Depots {
		depots = append(depots, []string{p.Name, byKey(&p), fmt.Sprint(p.Partitions), p.Codec, recordText(p.Type, p.Record), yes(p.Appends)})
	}
	for _, t := range d.Topics {
		topics = append(topics, []string{t.Name, t.Codec, t.Type})
	}
	for _, t := range d.Topologies {
		topologies = append(topologies, []string{t.Name, t.Kind, orDash(strings.Join(t.Acks, ", ")), t.Guarantee})
		for _, s := range t.Sources {
			sources = append(sources, []string{t.Name, s.Name, s.Depot, s.Start, s.Failures})
		}
		for _, b := range t.Batches {
			batches = append(batches, []string{t.Name, b.Name, strings.Join(b.Parts, "; ")})
		}
		for _, s := range t.Steps {
			steps = append(steps, []string{t.Name, s.Name, s.Type, s.Placement})
		}
	}
	for _, q := range d.Queries {
		queries = append(queries, []string{q.Name, q.Argument, q.Result, fmt.Sprintf("%v s", q.Seconds)})
	}
	for _, m := range d.Mirrors {
		mirrors = append(mirrors, []string{m.Module, m.Kind, m.Name, m.Type})
	}
	for _, m := range d.MirroredBy {
		mirroredBy = append(mirroredBy, []string{m.Module, m.Kind, m.Name, m.Type})
	}
	for _, s := range []struct {
		title, header string
		rows          [][]string
	}{
		{"Depots", "NAME PARTITIONED PARTITIONS CODEC RECORDS APPENDS", depots},
		{"Topics of others", "NAME CODEC RECORDS", topics},
		{"PStates", "NAME WRITTEN-BY SCHEMA CODECS PLACED", pstateRows(d.PStates)},
		{"PStates of earlier versions", "NAME WRITTEN-BY SCHEMA CODECS PLACED", pstateRows(d.Former)},
		{"Topologies", "NAME KIND RETURNS GUARANTEE", topologies},
		{"Sources", "TOPOLOGY SOURCE DEPOT BEGAN FAILURES", sources},
		{"Steps", "TOPOLOGY STEP CARRIES PLACED", steps},
		{"Batch blocks", "TOPOLOGY BLOCK ROWS", batches},
		{"Queries", "NAME ARGUMENT RESULT WITHIN", queries},
		{"Mirrors of other modules", "MODULE KIND NAME TYPE", mirrors},
		{"Mirrored by other modules", "MODULE KIND NAME TYPE", mirroredBy},
	} {
		if err := section(s.title, s.header, s.rows); err != nil {
			return err
		}
	}
	return nil
}

func pstateRows(all []client.PStateInfo) (rows [][]string) {
	for _, p := range all {
		var codecs []string
		codecsOf(&p.Level, &codecs)
		rows = append(rows, []string{p.Name, p.Topology, p.Schema, orDash(strings.Join(codecs, ",")), placed(&p)})
	}
	return rows
}

func codecsOf(l *client.Level, names *[]string) {
	if l.Codec != "" && !strings.Contains(strings.Join(*names, ","), l.Codec) {
		*names = append(*names, l.Codec)
	}
	for i := range l.Fields {
		codecsOf(&l.Fields[i], names)
	}
	if l.Within != nil {
		codecsOf(l.Within, names)
	}
}

// placed words on which tasks a PState lies, and who reads it.
func placed(p *client.PStateInfo) string {
	text := "by hash"
	switch {
	case p.Global:
		text = "on task 0"
	case p.OwnPartitioner:
		text = "by a function of the module"
	case !hasKeys(&p.Level):
		text = "a part on each task"
	}
	switch {
	case p.Temporary:
		text += ", temporary"
	case p.Private:
		text += ", private"
	}
	if len(p.Migrations) > 0 {
		text += ", migrated by " + strings.Join(p.Migrations, ", ")
	}
	return text
}

// hasKeys reports whether the first levels have keys: they choose the task.
func hasKeys(l *client.Level) bool {
	if l.Key != "" {
		return true
	}
	for i := range l.Fields {
		if hasKeys(&l.Fields[i]) {
			return true
		}
	}
	return false
}

func byKey(d *client.DepotInfo) string {
	if d.PeriodMillis > 0 {
		return "every " + (time.Duration(d.PeriodMillis) * time.Millisecond).String()
	}
	if d.Key != "" {
		return d.Partitioning + " of " + d.Key
	}
	return d.Partitioning
}

// recordText is the Go type of records with their stored form, where that says more.
func recordText(name, form string) string {
	if form == "" || form == name {
		return name
	}
	return name + " " + form
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
