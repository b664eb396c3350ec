package module_test

import (
	"context"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/module"
)

// appender takes every record.
type appender struct{ took int }

func (a *appender) SendRecord(context.Context, module.Record) (module.Acks, error) {
	a.took++
	return module.Acks{}, nil
}

// What no append goes with is an error that says what to do, and nothing is sent.
func TestAppendMisused(t *testing.T) {
	t.Parallel()
	var d module.Depot[string]
	if _, err := module.Compile(&declared{"Appends", func(b *module.Builder) {
		module.RandomDepot(b, &d, "records")
		module.DeclareSource(b.Stream("s"), d, nothing)
	}}); err != nil {
		t.Fatal(err)
	}
	a := &appender{}
	var none context.Context
	for want, do := range map[string]func() error{
		"the context is nil; pass": func() error { _, err := d.Append(none, a, "x"); return err },
		"the appender is nil":      func() error { _, err := d.Append(t.Context(), nil, "x"); return err },
		"option 1 is nil":          func() error { _, err := d.Append(t.Context(), a, "x", module.Wait(module.AckNone), nil); return err },
		"there is no level 77":     func() error { _, err := d.Append(t.Context(), a, "x", module.Wait(77)); return err },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "append to depot Appends.records") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if a.took > 0 {
		t.Errorf("%d records were sent", a.took)
	}
	if _, err := d.Append(t.Context(), a, "x", module.Wait(module.AckNone)); err != nil || a.took != 1 {
		t.Errorf("a good append: %v", err)
	}
}
