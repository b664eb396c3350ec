package integration

import (
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module/nav"
)

// BenchmarkSelects reads by handle, along a path of Go, and along one of text: one value,
// and a range of 100.
func BenchmarkSelects(b *testing.B) {
	c, err := localcluster.Start(b.Context(), localcluster.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	m := &market{name: unique("Market")}
	if err := c.Launch(b.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
		b.Fatal(err)
	}
	if _, err := m.Fill.Append(b.Context(), c.Client(), 1000); err != nil {
		b.Fatal(err)
	}
	r := c.Client().At(b.Context())
	for name, read := range map[string]func() error{
		"one/handle": func() error { _, err := m.Sorted.Key(7).Get(r); return err },
		"one/path":   func() error { _, err := nav.SelectOne(r, nav.Key(nav.From(m.Sorted), 7)); return err },
		"one/text": func() error {
			_, err := c.Client().SelectOne(b.Context(), client.Selection{Module: m.name, PState: "sorted", Path: `key(7)`})
			return err
		},
		"hundred/path": func() error {
			_, err := nav.SelectAll(r, nav.MapVals(nav.MapRange(nav.From(m.Sorted), 100, 200)))
			return err
		},
		"hundred/text": func() error {
			for _, err := range c.Client().Select(b.Context(), client.Selection{Module: m.name, PState: "sorted", Path: `range(100, 200).vals`}) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
