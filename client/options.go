package client

import (
	"context"
	"fmt"

	"github.com/coppice-run/coppice/internal/settings"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// OptionScope says what an option is set for: the whole module (both empty), one
// topology or one depot. The most specific value counts (promise 3.94).
type OptionScope struct {
	Topology string
	Depot    string
}

// OptionValue is an option of a module and the value that holds.
type OptionValue struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Default string `json:"default"`
	From    string `json:"from"`  // where the value comes from: "default", "module", "topology x", "depot x"
	Place   string `json:"place"` // what it may be set for, besides the module: "module" (nothing else), "topology", "depot"
	Unit    string `json:"unit"`
	Doc     string `json:"doc"`
}

// Errors of options, wrapped with what there is.
var (
	ErrUnknownOption = settings.ErrUnknownOption // no option has the name
	ErrUnknownPlace  = settings.ErrUnknownPlace  // the module has no such topology or depot
	ErrWrongPlace    = settings.ErrWrongPlace    // the option is not one of a topology, or of a depot
	ErrWrongValue    = settings.ErrWrongValue    // the option does not take the value
)

// Options lists the options of a module as they hold for a scope, by name. What a
// worker was started with (worker.Config.Options) is not known here: it stands in
// the place of the defaults where nothing is set.
func (c *Client) Options(ctx context.Context, module string, scope OptionScope) ([]OptionValue, error) {
	b, err := c.named(ctx, module)
	if err != nil {
		return nil, err
	}
	s := settings.Scope{Topology: scope.Topology, Depot: scope.Depot}
	if s.Topology != "" || s.Depot != "" {
		if err := settings.CheckScope(b.plan, s); err != nil {
			return nil, fmt.Errorf("module %s: %w", module, err)
		}
	}
	facts, err := c.config.Log.Meta(ctx, module)
	if err != nil {
		return nil, fmt.Errorf("module %s: reading its options: %w", module, err)
	}
	set := settings.NewSet(runtime.Options{})
	for key, value := range facts {
		if v, ok, err := settings.Parse(key, value); err != nil {
			return nil, fmt.Errorf("module %s: %w", module, err)
		} else if ok {
			set.Put(v)
		}
	}
	var values []OptionValue
	for _, o := range settings.All() {
		value, from := set.Value(&o, s)
		values = append(values, OptionValue{Name: o.Name, Value: value, Default: o.Default(), From: from, Place: o.Place.String(), Unit: o.Unit, Doc: o.Doc})
	}
	return values, nil
}

// Option returns one option of a module as it holds for a scope.
func (c *Client) Option(ctx context.Context, module string, scope OptionScope, name string) (OptionValue, error) {
	all, err := c.Options(ctx, module, scope)
	if err != nil {
		return OptionValue{}, err
	}
	for _, v := range all {
		if v.Name == name {
			return v, nil
		}
	}
	return OptionValue{}, fmt.Errorf("module %s: %w", module, settings.Unknown(name))
}

// OptionWarnings tells what a value of an option will cost, or why it does nothing yet, on the
// servers as they are now: of store.durability, what they lack for the level.
func (c *Client) OptionWarnings(ctx context.Context, name, value string) []string {
	level, err := store.ParseLevel(value)
	if name != settings.Durability || err != nil {
		return nil
	}
	warnings, err := c.config.Store.CheckLevel(ctx, level)
	if err != nil {
		warnings = append(warnings, err.Error())
	}
	return warnings
}

// SetOption sets an option for a scope; an empty value takes the setting back. It
// is kept over restarts, and running workers take it at once.
func (c *Client) SetOption(ctx context.Context, module string, scope OptionScope, name, value string) error {
	b, err := c.named(ctx, module)
	if err != nil {
		return err
	}
	_, err = c.setOption(ctx, b, scope, name, value)
	return err
}

// setOption is SetOption; it returns the fact that says so.
func (c *Client) setOption(ctx context.Context, b *bound, scope OptionScope, name, value string) (*wire.SettingRequest, error) {
	s := settings.Setting{Scope: settings.Scope{Topology: scope.Topology, Depot: scope.Depot}, Name: name, Value: value}
	if err := settings.Check(b.plan, &s); err != nil {
		return nil, fmt.Errorf("module %s: %w", b.name, err)
	}
	var raw []byte
	if value != "" {
		var err error
		if raw, err = s.Stored(); err != nil {
			return nil, err
		}
	}
	if err := c.config.Log.PutMeta(ctx, b.name, s.Key(), raw); err != nil {
		return nil, fmt.Errorf("module %s: setting %s: %w", b.name, name, err)
	}
	return &wire.SettingRequest{Key: s.Key(), Value: raw}, nil
}
