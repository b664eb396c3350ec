package main

import (
	"fmt"
	"slices"
	"strings"
)

// runTable says of every file when, of what and how it was measured, what of it failed, and
// whether all files are of the same sources.
func runTable(reports map[string]*report) string {
	var b, failures strings.Builder
	b.WriteString("| file | measured | commit | options |\n|---|---|---|---|\n")
	var commits []string
	for _, name := range reportNames {
		r := reports[name]
		if r == nil {
			fmt.Fprintf(&b, "| %s.json | not measured |  |  |\n", name)
			continue
		}
		e := r.Environment
		if e.Date == "" { // a file of former times
			e.Date, e.Commit = "before files said when", "unknown"
		}
		fmt.Fprintf(&b, "| %s.json | %s | %s | %s |\n", name, e.Date, e.Commit, e.Options)
		if !slices.Contains(commits, e.Commit) {
			commits = append(commits, e.Commit)
		}
		for _, f := range r.Failures {
			fmt.Fprintf(&failures, "- %s.json, %s: %s\n", name, f.Part, f.Why)
		}
	}
	if len(commits) > 1 {
		b.WriteString("\nThe files are **not of one commit**: figures of different ones cannot be held against each other.\n")
	}
	if failures.Len() > 0 {
		b.WriteString("\nWhat failed, and has no figures unless they are what failed:\n\n" + failures.String())
	}
	return b.String()
}
