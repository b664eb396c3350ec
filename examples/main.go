// Command examples runs modules that are there to be read, each on a cluster of its own in
// this process, and holds what they print against what they are to print.
//
//	go run ./examples                 # which there are
//	go run ./examples depots/ticks    # one, or several
//	go run ./examples depots          # a page of them
//	go run ./examples all             # all, as a table
//
// Each is a file, or a folder, of the same name.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/coppice-run/coppice/localcluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, names []string, out io.Writer) error {
	switch {
	case len(names) == 0:
		return list(out)
	case len(names) == 1 && names[0] == "all":
		return table(ctx, programs(), out)
	}
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	for _, p := range chosen {
		if len(chosen) > 1 {
			fmt.Fprintf(out, "== %s: %s\n", p.name, p.Shows)
		}
		printed, err := p.Do(ctx, localcluster.LaunchConfig{})
		fmt.Fprint(out, printed)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func list(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, p := range programs() {
		fmt.Fprintf(w, "%s\t%s\n", p.name, p.Shows)
	}
	return w.Flush()
}

// choose finds programs by their names, or by those of their pages.
func choose(names []string) (chosen []entry, err error) {
	for _, name := range names {
		found := false
		for _, p := range programs() {
			if p.name == name || strings.HasPrefix(p.name, name+"/") {
				chosen, found = append(chosen, p), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no example %q: go run ./examples lists them", name)
		}
	}
	return chosen, nil
}

// table runs programs and prints a row for each. The error names those that failed.
func table(ctx context.Context, all []entry, out io.Writer) error {
	width := 0
	for _, p := range all {
		width = max(width, len(p.name))
	}
	fmt.Fprintf(out, "%-*s  ok   seconds\n", width, "name")
	var failed []string
	for _, p := range all {
		began := time.Now()
		_, err := p.Do(ctx, localcluster.LaunchConfig{})
		ok := "yes"
		if err != nil {
			ok = "NO"
			failed = append(failed, fmt.Sprintf("%s: %v", p.name, err))
		}
		fmt.Fprintf(out, "%-*s  %-3s  %7.2f\n", width, p.name, ok, time.Since(began).Seconds())
	}
	if failed != nil {
		return fmt.Errorf("%d of %d examples failed:\n%s", len(failed), len(all), strings.Join(failed, "\n"))
	}
	fmt.Fprintf(out, "%d examples print what they are to print\n", len(all))
	return nil
}
