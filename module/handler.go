package module

// HandlerName names what runs events: a step of a stream, or one of its sources.
type HandlerName struct {
	Topology string
	Name     string // the step's or the source's
	Source   bool
}

// String prints "step words/count" or "source words/sentences".
func (h HandlerName) String() string {
	if h.Source {
		return "source " + h.Topology + "/" + h.Name
	}
	return "step " + h.Topology + "/" + h.Name
}

// Handles is what stands for handlers of a module: a Step and a Call for their own, a
// Depot, Topic and Ticks for those of all sources that read it, a HandlerName for the one that it names.
// For test kits.
type Handles interface{ handlers(*Plan) []HandlerName }

// HandlersOf returns the handlers that h stands for; none if the module of the plan
// does not have them.
func HandlersOf(p *Plan, h Handles) []HandlerName { return h.handlers(p) }

// Handlers lists all handlers of the module: of each stream the sources, then the
// steps.
func (p *Plan) Handlers() []HandlerName {
	var all []HandlerName
	for _, s := range p.Streams {
		for _, source := range s.Sources {
			all = append(all, HandlerName{s.Name, source.Name, true})
		}
		for _, step := range s.Steps {
			all = append(all, HandlerName{s.Name, step.Name, false})
		}
	}
	return all
}

func (s Step[T]) handlers(p *Plan) []HandlerName {
	if s.s == nil {
		return nil
	}
	return s.s.plan.handlers(p)
}

func (c Call[In]) handlers(p *Plan) []HandlerName {
	if c.c == nil {
		return nil
	}
	return c.c.plan.handlers(p)
}

func (s *StepPlan) handlers(p *Plan) []HandlerName {
	if int(s.ID) >= p.StepCount || p.Steps()[s.ID] != s {
		return nil
	}
	return []HandlerName{{s.Topology, s.Name, false}}
}

func (d Depot[T]) handlers(p *Plan) []HandlerName {
	if d.d == nil {
		return nil
	}
	return p.sourcesOf(d.d.reads())
}

func (t Topic[T]) handlers(p *Plan) []HandlerName {
	if t.t == nil {
		return nil
	}
	return p.sourcesOf(t.t.read)
}

func (t Ticks) handlers(p *Plan) []HandlerName { return p.sourcesOf(t.plan) }

func (p *Plan) sourcesOf(d *DepotPlan) []HandlerName {
	var all []HandlerName
	for _, s := range p.Streams {
		for _, source := range s.Sources {
			if d != nil && source.Depot == d {
				all = append(all, HandlerName{s.Name, source.Name, true})
			}
		}
	}
	return all
}

func (h HandlerName) handlers(p *Plan) []HandlerName {
	for _, have := range p.Handlers() {
		if have == h {
			return []HandlerName{h}
		}
	}
	return nil
}
