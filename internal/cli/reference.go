package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Reference describes the command, in Markdown: docs/reference/cli.md.
func Reference() string {
	var out strings.Builder
	out.WriteString("# The command coppice\n\nWritten from the code by `COPPICE_UPDATE=1 go test ./internal/cli -run Reference`; do not edit it.\n" +
		"[The guide](../guides/clients.md) shows it at work.\n\n" +
		"Results go to standard output, everything else to standard error. The exit code is 0, 1 after an error, 130 after Ctrl-C; servers (`serve`, `console`) end with 0 then.\n")
	for _, cmd := range visible(rootCommand()) {
		describeTree(&out, cmd)
	}
	return out.String()
}

// visible are the commands under another, but for those of the library.
func visible(cmd *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(cmd.Commands()), func(c *cobra.Command) bool { return c.Hidden || c.Name() == "help" || c.Name() == "completion" })
}

func describeTree(out *strings.Builder, cmd *cobra.Command) {
	inner := visible(cmd)
	out.WriteString("\n## " + cmd.CommandPath() + "\n\n" + text(cmd) + "\n")
	if cmd.Runnable() {
		out.WriteString("\n```text\n" + cmd.UseLine() + "\n```\n")
	}
	if cmd.Example != "" {
		out.WriteString("\n```sh\n" + strings.ReplaceAll(strings.TrimPrefix(cmd.Example, "  "), "\n  ", "\n") + "\n```\n")
	}
	describeFlags(out, cmd)
	for _, c := range inner {
		describeTree(out, c)
	}
}

func text(cmd *cobra.Command) string {
	long := cmd.Long
	if long == "" {
		long = cmd.Short + "."
	}
	return strings.ReplaceAll(long, "\n  ", "\n    ")
}

func describeFlags(out *strings.Builder, cmd *cobra.Command) {
	first := true
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if first {
			out.WriteString("\n| Flag | Default | |\n|---|---|---|\n")
			first = false
		}
		def := f.DefValue
		if f.Name == "kafka" || f.Name == "redis" || def == "[]" {
			def = "" // the environment's
		}
		out.WriteString("| `--" + f.Name + "` | " + def + " | " + strings.ReplaceAll(f.Usage, "|", "\\|") + " |\n")
	})
}
