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
	began := o.config.Now()
	for _, m := range o.lastListed() {
		looks.begin(looking, o, &m) // a list that takes its time leaves them theirs
	}
	modules, listed, err := o.list(ctx)
	if err != nil {
		return nil, err
	}
	for i := range modules {
		looks.begin(looking, o, &modules[i])
	}
	all := looks.entries(modules)
	if !listed { // what was seen before the log failed says nothing of that
		for i := range all {
			if m := all[i].Module; m != nil && m.At.Before(began) {
				delete(looks, m.Name)
				looks.begin(looking, o, &modules[i])
			}
		}
		all = looks.entries(modules)
	}
	if err := ctx.Err(); err != nil { // what was not seen for that reason is no word on the modules
		return nil, err
	}
	return all, nil
}

// list is which modules there are, or were when the log last said it: listed is false then.
func (o *Overview) list(ctx context.Context) (modules []client.ModuleInfo, listed bool, err error) {
	listing, cancel := context.WithTimeout(ctx, o.config.ServerTimeout)
	defer cancel()
	modules, err = o.config.Cluster.Modules(listing)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil:
		o.listed, listed = modules, true
	case ctx.Err() == nil && len(o.listed) > 0:
		modules, err = o.listed, nil
	}
	return slices.Clone(modules), listed, err
}

func (o *Overview) lastListed() []client.ModuleInfo {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.listed
}

// looks are those at several modules side by side, by name.
type looks map[string]*oneLook

// oneLook has what was seen once done is closed.
type oneLook struct {
	done   chan struct{}
	module *Module
	err    error
}

// begin has a look begin, unless it is under way, or there is nothing to be looked at.
func (l looks) begin(ctx context.Context, o *Overview, info *client.ModuleInfo) {
	if l[info.Name] != nil || info.Error != "" {
		return
	}
	one, name := &oneLook{done: make(chan struct{})}, info.Name
	l[name] = one
	go func() {
		defer close(one.done)
		one.module, one.err = o.Module(ctx, name)
	}()
}

// entries waits for what is seen of modules.
func (l looks) entries(modules []client.ModuleInfo) []Entry {
	all := make([]Entry, len(modules))
	for i, info := range modules {
		all[i] = Entry{Info: info, Error: info.Error}
		if info.Error != "" {
			continue
		}
		one := l[info.Name]
		<-one.done
		if all[i].Module = one.module; one.err != nil {
			all[i].Error = one.err.Error()
		}
	}
	return all
}
