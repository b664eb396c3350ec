package integration

import (
	"errors"
	"slices"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
)

// A name whose registration does not decode is listed with the reason, and cannot be
// launched. It holds up nothing else but what has to know of every module.
func TestARegistrationThatDoesNotDecode(t *testing.T) {
	t.Parallel()
	c := start(t, world{})
	s, broken := &outlet{name: unique("outlet")}, unique("broken")
	if err := c.Log().PutMeta(t.Context(), broken, module.RegistrationKey, []byte("no registration")); err != nil {
		t.Fatal(err)
	}
	if err := c.Launch(t.Context(), s, localcluster.LaunchConfig{Tasks: 1}); err != nil {
		t.Fatal(err)
	}
	all, err := c.Client().Modules(t.Context())
	i := slices.IndexFunc(all, func(m client.ModuleInfo) bool { return m.Name == broken })
	if err != nil || i < 0 || all[i].Error == "" {
		t.Errorf("listed: %+v, %v; want %s with an error", all, err, broken)
	}
	if _, err := c.Client().Describe(t.Context(), s.name); err != nil {
		t.Errorf("described another module: %v", err)
	}
	if _, err := s.Orders.Append(t.Context(), c.Client(), sold{"someone", 1}); err != nil {
		t.Errorf("appended to another module: %v", err)
	}

	var unreadable *module.RegistrationError
	for what, err := range map[string]error{
		"launched":        c.Launch(t.Context(), &outlet{name: broken}, localcluster.LaunchConfig{Tasks: 1}),
		"removed":         c.Client().RemoveModule(t.Context(), broken),
		"removed another": c.Client().RemoveModule(t.Context(), s.name),
		"trimmed a depot": func() error {
			_, err := c.Client().TrimDepot(t.Context(), s.name, "orders", client.TrimConfig{EntriesMax: 1})
			return err
		}(),
		"described that": func() error { _, err := c.Client().Describe(t.Context(), broken); return err }(),
	} {
		if !errors.As(err, &unreadable) || unreadable.Module != broken {
			t.Errorf("%s: %v; want a RegistrationError of %s", what, err, broken)
		}
	}
	for _, w := range c.Workers() {
		if err := w.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Launch(t.Context(), &outletLess{name: s.name}, localcluster.LaunchConfig{Tasks: 1}); err != nil {
		t.Errorf("a new version of another module: %v", err)
	}
}
