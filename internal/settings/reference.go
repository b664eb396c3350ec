package settings

import (
	"fmt"
	"strings"
)

// Reference describes every option, in Markdown: docs/reference/options.md.
func Reference() string {
	var out strings.Builder
	out.WriteString(`# Options

Written from the code by ` + "`COPPICE_UPDATE=1 go test ./internal/settings`" + `; do not edit it.

Options of a running module are set with ` + "`coppice options set MODULE OPTION VALUE`" + ` or
` + "`client.SetOption`" + `. They take effect at once on every worker and are kept over restarts, in the
module's meta topic. One that may be set for a topology or a depot counts there before the
module's value. A worker's own ` + "`worker.Config.Options`" + ` stand in the place of the defaults.

| Option | Default | Unit | Set for |
|---|---|---|---|
`)
	for i := range all {
		o := &all[i]
		fmt.Fprintf(&out, "| [%s](#%s) | %s | %s | %s |\n", o.Name, strings.ReplaceAll(o.Name, ".", ""), o.Default(), o.Unit, o.Places())
	}
	for i := range all {
		o := &all[i]
		fmt.Fprintf(&out, "\n## %s\n\n%s\n\nDefault: %s (%s). Set for %s.\n", o.Name, o.Doc, o.Default(), o.Unit, o.Places())
	}
	return out.String()
}
