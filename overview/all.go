package overview

import (
	"context"
	"slices"

	"github.com/coppice-run/coppice/client"
)

// Entry is a module among others.
type Entry struct {
	Info   client.ModuleInfo `json:"info"`
	Module *Module           `json:"overview,omitempty"`
	Error  string            `json:"error,omitempty"`
}

// All tells how all modules are, by name. A module that cannot be looked at has an error in
// its place. While the log does not say which there are, it is those that it said before: each of
// them tells what is wrong. Errors: those of ctx, and of a log that has never said it.
func (o *Overview) All(ctx context.Context) ([]Entry, error) {
	looking, cancel := context.WithCancel(ctx)
	defer cancel() // of what is a module no more
	looks := looks{}
	for _, m := range o.lastListed() {
		looks.begin(looking, o, &m) // a list that takes its time leaves them theirs
	}
	modules, err := o.list(ctx)
	if err != nil {
		return nil, err
	}
	for i := range modules {
		looks.begin(looking, o, &modules[i])
	}
	all := make([]Entry, len(modules))
	for i := range modules {
		all[i] = looks.entry(modules[i])
	}
	if err := ctx.Err(); err != nil { // what was not seen for that reason is no word on the modules
		return nil, err
	}
	return all, nil
}

// list is which modules there are, or were when the log last said it.
func (o *Overview) list(ctx context.Context) ([]client.ModuleInfo, error) {
	listing, cancel := context.WithTimeout(ctx, o.config.ServerTimeout)
	defer cancel()
	modules, err := o.config.Cluster.Modules(listing)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil:
		o.listed = modules
	case ctx.Err() == nil && len(o.listed) > 0:
		modules, err = o.listed, nil
	}
	return slices.Clone(modules), err
}

func (o *Overview) lastListed() []client.ModuleInfo {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.listed
}

// looks are those at several modules side by side, by name.
type looks map[string]chan Entry

// begin has a look begin, unless it is under way, or there is nothing to be looked at.
func (l looks) begin(ctx context.Context, o *Overview, info *client.ModuleInfo) {
	if l[info.Name] != nil || info.Error != "" {
		return
	}
	seen, name := make(chan Entry, 1), info.Name
	l[name] = seen
	go func() {
		m, err := o.Module(ctx, name)
		if err != nil {
			seen <- Entry{Error: err.Error()}
			return
		}
		seen <- Entry{Module: m}
	}()
}

// entry is what was seen of a module.
func (l looks) entry(info client.ModuleInfo) Entry {
	if info.Error != "" {
		return Entry{Info: info, Error: info.Error}
	}
	e := <-l[info.Name]
	e.Info = info
	return e
}
