// Package blocking is a module with a handler that blocks until it is let go, for the tests
// of who finds it: the client, the command line, the console, the metrics.
package blocking

import (
	"sync"

	"github.com/coppice-run/coppice/module"
)

// Names of what it declares. A record of Depot sets off one event of Step, on another task or
// on its own.
const (
	Depot    = "lines"
	Topology = "stuck"
	Step     = "slow"
)

// Module has a source that hops to a step whose handler blocks.
type Module struct {
	Lines module.Depot[string]

	name    string
	slow    module.Step[string]
	entered chan struct{}
	leave   chan struct{}
	once    sync.Once
}

// New returns one of the name. Its handler blocks until LetGo: call that before what runs the
// module is ended.
func New(name string) *Module {
	return &Module{name: name, entered: make(chan struct{}, 1), leave: make(chan struct{})}
}

// Entered has a value when the handler runs.
func (m *Module) Entered() <-chan struct{} { return m.entered }

// LetGo has the handler return, now and from now on.
func (m *Module) LetGo() { m.once.Do(func() { close(m.leave) }) }

// ModuleName is the name.
func (m *Module) ModuleName() string { return m.name }

// Define declares it.
func (m *Module) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Lines, Depot, module.Text())
	s := b.Stream(Topology)
	module.DeclareStep(s, &m.slow, Step, module.ByHash(func(string) string { return "a" }), func(*module.Event, string) error {
		select {
		case m.entered <- struct{}{}:
		default:
		}
		<-m.leave
		return nil
	})
	module.DeclareSource(s, m.Lines, func(ev *module.Event, line string) error {
		m.slow.Send(ev, line)
		return nil
	})
}
