package flow

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	public "github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// HopOption changes a hop, or a call to the outside.
type HopOption func(*hopOptions)

type hopOptions struct {
	name   string
	former []string
	codecs []public.Codec
	groups []module.GroupOption
}

// Named names the step that the hop leads to: in the plan, in what is recorded and
// traced, and in an exactly-once stream for the events under way, which outlive an update
// of the module by that name; there each hop has to have one. Otherwise it is named by
// its source and number.
func Named(name string) HopOption { return func(o *hopOptions) { o.name = name } }

// Formerly has the hop take the events that are under way under another name
// (module.FormerName). They must carry the same variables.
func Formerly(name string) HopOption {
	return func(o *hopOptions) { o.former = append(o.former, name) }
}

// CarriedBy has the hop carry variables by other codecs than JSON: each by the first that
// takes its type.
func CarriedBy(codecs ...public.Codec) HopOption {
	return func(o *hopOptions) { o.codecs = append(o.codecs, codecs...) }
}

// packet is what a hop carries: the variables that are used behind it.
type packet []byte

// hop is a place where the flow is cut: a step of the topology.
type hop struct {
	hopOptions
	node     *node
	step     module.Step[packet]
	describe func() string
	check    func(module.Topology) (text, mend string)

	carried []*variable
	coders  []coder
	key     func(x *run) uint64 // of the event there, in a flow that yields; nil: it has none
	rest    bool                // it runs what is left of an event that has yielded
}

// everywhere is where HopAll goes.
const everywhere task.ID = -2

// hops puts a hop into the flow: to says where it goes.
func (b *Block) hops(verb, text string, options []HopOption, describe func() string, to func(x *run) task.ID, reads ...looker) *hop {
	n := b.put(verb, text, 1, reads...)
	h := newHop(b, n, options)
	h.describe = describe
	n.do = func(x *run) error {
		if x.asking != nil {
			x.hops(h, to(x))
			return nil
		}
		if err := h.pack(x, x.raw[:0]); err != nil {
			return err
		}
		if at := to(x); at == everywhere {
			h.step.SendAll(x.ev, x.raw)
		} else {
			h.step.SendTo(x.ev, at, x.raw)
		}
		return nil
	}
	return h
}

// newHop makes a node a hop.
func newHop(b *Block, n *node, options []HopOption) *hop {
	h := &hop{node: n}
	n.hop = h
	named := h.chosen(b, n, options)
	if len(h.groups) > 0 {
		n.mistake("has an option for the rows of a batch block", "Grouped is for GroupBy and Aggregate: leave it out")
	}
	if !named && b.flow.front.Plan().ExactlyOnce {
		n.mistake("has no name, in an exactly-once stream", "its events outlive updates of the module by it: give it flow.Named")
	}
	b.flow.hops = append(b.flow.hops, h)
	return h
}

// chosen applies options, and reports whether one has given a name; otherwise the cut is
// named by its number.
func (o *hopOptions) chosen(b *Block, n *node, options []HopOption) (named bool) {
	for i, option := range options {
		if option == nil {
			n.mistake(fmt.Sprintf("its option %d is nil", i), "leave it out")
			continue
		}
		option(o)
	}
	b.flow.cuts++
	if named = o.name != ""; !named {
		o.name = fmt.Sprintf("%s-%d", b.flow.source, b.flow.cuts)
	}
	return named
}

// settle finds out what the hop carries: its layout in words.
func (h *hop) settle() (layout string) {
	n := h.node
	h.carried = n.flow.listed(n.carry)
	// By their labels, so that it does not hang on the order of declarations.
	slices.SortStableFunc(h.carried, func(a, b *variable) int {
		return cmp.Or(cmp.Compare(unlabelled(a), unlabelled(b)), cmp.Compare(a.label, b.label))
	})
	seen := map[string]*variable{}
	for _, v := range h.carried {
		c, err := v.carry(h.codecs)
		if err != nil {
			n.mistake(fmt.Sprintf("carries the variable that %s gives, of type %s: %v", v.line, v.typed, err), "make of it before the hop what is used behind")
		}
		h.coders = append(h.coders, c)
		if layout != "" {
			layout += ", "
		}
		if layout += v.declared(); c.name != "json" && err == nil {
			layout += " as " + c.name
		}
		if twin := seen[v.declared()]; twin != nil {
			switch {
			case v.label != "":
				n.mistake(fmt.Sprintf("carries two variables with the label %q, given at %s and %s", v.label, twin.line, v.line), "give each a label of its own")
			case n.flow.front.Plan().ExactlyOnce:
				n.mistake(fmt.Sprintf("carries two variables of type %s, given at %s and %s, in an exactly-once stream", v.typed, twin.line, v.line), "its events outlive updates of the module: tell them apart with Label")
			}
		}
		seen[v.declared()] = v
	}
	layout = cmp.Or(layout, "nothing")
	if n.flow.yields {
		layout = "key, " + layout
	}
	return layout
}

func unlabelled(v *variable) int {
	if v.label == "" {
		return 1
	}
	return 0
}

// declare makes the hop a step.
func (h *hop) declare() {
	layout := h.settle()
	options := []module.StepOption{module.Codec(carriedAs(layout))}
	for _, name := range h.former {
		options = append(options, module.FormerName(name))
	}
	g := h.node.flow
	g.front.Declare(h.node.line, func() {
		module.DeclareStep(g.of, &h.step, h.name, module.Chosen[packet](h.describe, h.check), h.arrive, options...)
	})
	if plan := module.PlanOf(h.step); plan != nil {
		plan.Type = "variables"
		if g.yields {
			plan.Key, plan.Rest = keyOf, h.rest
		}
	}
}

// carriedAs is the codec of packets: they are bytes already. Its name tells the next
// version of the module what is in them.
func carriedAs(layout string) public.Codec {
	return public.Of(layout,
		func(dst []byte, p *packet) ([]byte, error) { return append(dst, *p...), nil },
		func(raw []byte, p *packet) error { *p = raw; return nil })
}

// pack encodes what the hop carries into x.raw, behind dst: in a flow that yields the hash of
// the event's key, then each variable with its length before it, but for the last.
func (h *hop) pack(x *run, dst []byte) (err error) {
	if h.node.flow.yields {
		key := uint64(0)
		if h.key != nil {
			key = h.key(x)
		}
		dst = binary.LittleEndian.AppendUint64(dst, key)
	}
	for i, c := range h.coders {
		v := h.carried[i]
		if i == len(h.coders)-1 {
			dst, err = c.append(dst, x.cells[v.id])
		} else {
			dst, err = appendSized(dst, func(dst []byte) ([]byte, error) { return c.append(dst, x.cells[v.id]) })
		}
		if err != nil {
			return fmt.Errorf("%s: hop to step %q: variable %s does not encode: %w", h.node.line, h.name, v.name(), err)
		}
	}
	x.raw = dst
	return nil
}

// unpack reads a packet into the run's variables.
func (h *hop) unpack(x *run, p []byte) error {
	if h.node.flow.yields {
		if len(p) < keyBytes {
			return fmt.Errorf("step %q: what was sent is too short for its key", h.name)
		}
		x.key, p = binary.LittleEndian.Uint64(p), p[keyBytes:]
	}
	for i, c := range h.coders {
		v := h.carried[i]
		raw := p
		if i < len(h.coders)-1 {
			var ok bool
			if raw, p, ok = cutSized(p); !ok {
				return fmt.Errorf("step %q: what was sent is too short for %s", h.name, v.declared())
			}
		}
		if x.cells[v.id] == nil {
			x.cells[v.id] = v.fresh()
		}
		if err := c.decode(raw, x.cells[v.id]); err != nil {
			return fmt.Errorf("step %q: variable %s does not decode: %w", h.name, v.name(), err)
		}
	}
	return nil
}

// arrive is the step's handler.
func (h *hop) arrive(ev *module.Event, p packet) error {
	g := h.node.flow
	x := g.begin(ev)
	if err := h.unpack(x, p); err != nil {
		return module.Park(err)
	}
	return g.end(x, x.follow(h.node, 0))
}
