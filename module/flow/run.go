package flow

import (
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// run is one event's way through its part of a flow.
type run struct {
	ev      *module.Event
	reader  pstate.Reader // the event, or in a query what reads there
	asked                 // of a query
	cells   []cell        // by variable
	loops   []*work       // by loop: those that are being gone through
	pending []turn        // of loops that the event began within
	key     uint64        // the hash of the event's key, in a flow that yields
	raw     []byte        // that hops are encoded into
}

// begin starts an event.
func (g *graph) begin(ev *module.Event) *run {
	x, _ := g.runs.Get().(*run)
	if x == nil {
		x = &run{cells: make([]cell, len(g.variables)), loops: make([]*work, g.loops)}
	}
	x.ev, x.reader, x.key = ev, ev, 0
	return x
}

// end finishes the event with those turns of loops that it began within, and keeps the
// run for another. One that failed, or was unwound, is not kept.
func (g *graph) end(x *run, err error) error {
	if err = x.turns(err); err == nil {
		g.release(x)
	}
	return err
}

// turns runs those turns of loops that the event began within.
func (x *run) turns(err error) error {
	for err == nil && len(x.pending) > 0 {
		t := x.pending[0]
		x.pending = x.pending[1:]
		err = t.loop.drain(x, t)
	}
	return err
}

func (g *graph) release(x *run) {
	for _, c := range x.cells {
		if c != nil {
			c.clear()
		}
	}
	x.ev, x.reader, x.pending, x.asked = nil, nil, nil, asked{}
	g.runs.Put(x)
}

// follow runs what comes behind an outlet: branches one after another.
func (x *run) follow(n *node, index int) error {
	for _, to := range n.next[index] {
		if err := x.at(to); err != nil {
			return err
		}
	}
	return nil
}

// at runs an operation and what comes behind it.
func (x *run) at(n *node) error {
	for {
		if n.simple == nil {
			return n.do(x)
		}
		if err := n.simple(x); err != nil {
			return err
		}
		if len(n.next[0]) != 1 {
			return x.follow(n, 0)
		}
		n = n.next[0][0]
	}
}
