package cli

import (
	"fmt"
	goruntime "runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// buildInfo says what this program was built of.
type buildInfo struct {
	Version  string `json:"version"`            // of the module; (devel): of a working copy
	Revision string `json:"revision,omitempty"` // of the sources, where the build knew it
	Modified bool   `json:"modified,omitempty"` // the sources were not those of the revision alone
	Go       string `json:"go"`
	System   string `json:"system"`
}

// build reads what the linker has put down.
func build() buildInfo {
	b := buildInfo{Version: "(unknown)", Go: goruntime.Version(), System: goruntime.GOOS + "/" + goruntime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (b buildInfo) String() string {
	text := "coppice " + b.Version
	if b.Revision != "" {
		text += ", revision " + b.Revision
	}
	if b.Modified {
		text += " with changes"
	}
	return fmt.Sprintf("%s, %s, %s", text, b.Go, b.System)
}

// versionCommand says which coppice this is.
func versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version of this command, its revision and that of Go", Args: cobra.NoArgs,
		Long: "Print the version of this command, the revision of its sources where the build knew it, the version\nof Go and the system, as --version does.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				return printJSON(cmd.OutOrStdout(), build())
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), build())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
