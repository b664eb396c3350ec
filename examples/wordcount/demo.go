package wordcount

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/coppice-run/coppice/localcluster"
)

// Demo appends a sentence and prints the counts of its words.
func Demo(ctx context.Context, c *localcluster.Cluster, launch localcluster.LaunchConfig, name string, out io.Writer) error {
	m := &Words{}
	if err := c.Launch(ctx, &named{m, cmp.Or(name, "Words")}, launch); err != nil {
		return err
	}
	acks, err := m.Sentences.Append(ctx, c.Client(), "to be or not to be")
	if err != nil {
		return err
	}
	total, _ := m.Total.From(acks)
	fmt.Fprintf(out, "words: %d\n", total)
	for _, w := range []string{"be", "not", "or", "to"} {
		n, err := m.Counts.Key(w).Get(c.Client().At(ctx))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %d\n", w, n)
	}
	return nil
}

// named is the module with a name of its own, for tests that run several.
type named struct {
	*Words
	name string
}

// ModuleName names the module.
func (m *named) ModuleName() string { return m.name }
