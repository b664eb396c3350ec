// Package program is what the examples have in common. An example is a Program: a function
// that runs on a cluster in this process and prints, together with what it is to print. The
// programs of a page of the documentation lie in one folder, each in a file of its own.
package program

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/coppice-run/coppice/localcluster"
)

// Program is an example.
type Program struct {
	Name  string // on the command line, behind the page's
	Shows string // in a few words
	// Rama is what the same is called among the examples of Rama's documentation; "" where
	// there is none, or where the documentation has it in its text.
	Rama string
	// Source is the file or folder that it is in, below examples; default NAME.go in the
	// folder of its page.
	Source string
	// Clock stands still but for what the program moves it on. Default: real time.
	Clock bool
	Run   func(*Run)
	// Output is what it prints, each time; a line break before it is not part of it.
	Output string
}

// Page is the programs of a page of Rama's documentation.
type Page struct {
	Name     string // the folder below examples
	Title    string
	Programs []Program
	// Missing is what the page shows and the programs do not.
	Missing []Missing
}

// Missing is an example that has no counterpart, or only a part of one.
type Missing struct {
	Rama string // the example
	Text string // what of it is not there, and what is there instead
}

// Demo is a program that can be given another cluster and name: one that tests run on real
// servers, too. name is the module's; "" means its own.
type Demo func(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error

// Of makes the Run of a program of a demo.
func Of(demo Demo) func(*Run) {
	return func(r *Run) { Check(demo(r.Context, r.Cluster, r.Launched, "", r.out)) }
}

// Do runs the program on a cluster of its own and returns what it has printed. The error is
// the program's, or a *DifferenceError.
func (p *Program) Do(ctx context.Context, launch localcluster.LaunchConfig) (printed string, err error) {
	var config localcluster.Config
	if p.Clock {
		config.Clock = localcluster.NewClock(start)
	}
	c, err := localcluster.Start(ctx, config)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	r := &Run{
		Context: ctx, Cluster: c, Client: c.Client(), Reader: c.Client().At(ctx),
		Clock: config.Clock, Launched: launch, out: &out,
	}
	err = r.do(p)
	if closed := c.Close(); err == nil {
		err = closed
	}
	printed = out.String()
	if want := strings.TrimPrefix(p.Output, "\n"); err == nil && printed != want {
		err = &DifferenceError{Got: printed, Want: want}
	}
	return printed, err
}

// start is what the clock of a program shows at first.
var start = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// DifferenceError says that a program has not printed what it is to print.
type DifferenceError struct{ Got, Want string }

// Error shows both, from the first line on that differs.
func (e *DifferenceError) Error() string {
	got, want := strings.SplitAfter(e.Got, "\n"), strings.SplitAfter(e.Want, "\n")
	same := 0
	for same < len(got) && same < len(want) && got[same] == want[same] {
		same++
	}
	return fmt.Sprintf("from line %d on it printed\n%s\nand is to print\n%s",
		same+1, strings.Join(got[same:], ""), strings.Join(want[same:], ""))
}
