package runtime

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/internal/wire"
)

// result is how a record ended in one topology, where there is more to say than
// that it is done.
type result struct {
	outcome wire.Outcome
	text    string // of one that is done: what is wrong with its returns
	attempt int
	returns []wire.Return // one for each ack
}

// results keeps the latest results of a source for appenders that ask after the
// record is done.
type results struct {
	byOffset map[int64]result
	order    []int64
	at       int
}

func (r *results) put(offset int64, res result, most int) {
	if r.byOffset == nil {
		r.byOffset = map[int64]result{}
	}
	if _, have := r.byOffset[offset]; have {
		r.byOffset[offset] = res
		return
	}
	if len(r.order) < most {
		r.order = append(r.order, offset)
	} else {
		delete(r.byOffset, r.order[r.at])
		r.order[r.at] = offset
		r.at = (r.at + 1) % most
	}
	r.byOffset[offset] = res
}

// keepResult folds what the record's events returned and keeps it, where there is more to
// say than that the record is done.
func (t *Task) keepResult(f *finished) {
	if f.kept || f.ofEvent() || len(f.returns) == 0 && f.text == "" && f.outcome == wire.Done && f.order == nil {
		return
	}
	f.kept = true
	res := result{outcome: f.outcome, text: f.text, attempt: int(f.attempt)}
	if f.outcome == wire.Done && len(f.returns) > 0 {
		returns := f.returns
		if !f.combined {
			returns = nil
			for _, r := range f.returns {
				var err error
				if returns, err = f.source.topology.combine(returns, r); err != nil {
					res.text = err.Error()
				}
			}
		}
		res.returns = returns
	}
	f.source.results.put(f.record.Offset, res, f.source.feed.options.AckResultsMax)
}

// addReturns adds what one source of the topology returned for a record to its answer,
// behind what the earlier sources did. What cannot be combined is left out and told.
func (topo *topology) addReturns(a *Answer, res result) {
	name := topo.plan.Name
	wrong := res.text
	if len(res.returns) > 0 {
		said := a.returned(name)
		for _, r := range res.returns {
			if err := topo.merge(said, r); err != nil {
				wrong = "ack return: " + err.Error()
			}
		}
	}
	if wrong != "" && a.Kind == AnswerDone {
		a.Topology, a.Text = name, wrong
	}
}

// returned is what a topology has returned so far.
func (a *Answer) returned(topology string) *wire.Returned {
	at := slices.IndexFunc(a.Returns, func(r wire.Returned) bool { return r.Topology == topology })
	if at < 0 {
		at = len(a.Returns)
		a.Returns = append(a.Returns, wire.Returned{Topology: topology})
	}
	return &a.Returns[at]
}

// merge adds what a source returned to what others of the topology did, in the order of the acks.
func (topo *topology) merge(said *wire.Returned, r wire.Return) error {
	at, have := slices.BinarySearchFunc(said.Values, r.Ack, func(v wire.Return, ack uint16) int { return cmp.Compare(v.Ack, ack) })
	if !have {
		said.Values = slices.Insert(said.Values, at, r)
		return nil
	}
	value, err := topo.plan.Acks[r.Ack].Merge(said.Values[at].Value, r.Value)
	if err == nil {
		said.Values[at].Value = value
	}
	return err
}

// combine adds a value that came to those of the other acks of its record. The error
// is the combiner's, or that the value does not decode; it is left out then.
func (topo *topology) combine(have []wire.Return, r wire.Return) ([]wire.Return, error) {
	acks := topo.plan.Acks
	if int(r.Ack) >= len(acks) {
		return have, nil // of an ack that the module no longer has
	}
	at := slices.IndexFunc(have, func(h wire.Return) bool { return h.Ack == r.Ack })
	var before []byte
	if at >= 0 {
		before = have[at].Value
	}
	value, err := acks[r.Ack].Fold(before, r.Value)
	switch {
	case err != nil:
		return have, fmt.Errorf("ack return: %w", err)
	case at >= 0:
		have[at].Value = value
		return have, nil
	}
	return append(have, wire.Return{Ack: r.Ack, Value: value}), nil
}
