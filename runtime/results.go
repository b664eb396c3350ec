package runtime

import "github.com/coppice-run/coppice/internal/wire"

// result is how a record ended in one topology, where there is more to say than
// that it is done.
type result struct {
	outcome wire.Outcome
	text    string
	attempt int
	returns map[int][]byte
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

// keepResult folds what the record's events returned and keeps it.
func (t *Task) keepResult(f *finished) {
	res := result{outcome: f.outcome, text: f.text, attempt: int(f.attempt)}
	if f.outcome == wire.Done && len(f.returns) > 0 {
		res.returns = map[int][]byte{}
		acks := f.source.topology.plan.Acks
		for _, r := range f.returns {
			if int(r.Ack) >= len(acks) {
				continue
			}
			value, err := acks[r.Ack].Fold(res.returns[int(r.Ack)], r.Value)
			if err != nil {
				res.text = "ack return: " + err.Error()
				continue
			}
			res.returns[int(r.Ack)] = value
		}
	}
	f.source.results.put(f.record.Offset, res, f.source.feed.options.AckResultsMax)
}
