package overlay

import (
	"errors"

	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Moments is a Direct that knows of what moment an answer is: of which commit. It is the
// zero Mark where the store was not asked.
type Moments interface {
	Direct
	ReadAt(slot store.Slot, reads []store.Read) (task.Mark, error)
}

// Moment says of which answer something is, and of which commit that is. It is zero where
// nothing was asked, as in an event, which is one moment.
type Moment struct {
	Answer int // from 1; Several: of more than one
	Commit task.Mark
}

// Several is the Answer of what was put together.
const Several = -1

// With is the moment of two things together.
func (m Moment) With(o Moment) Moment {
	switch {
	case m == Moment{} || m.Same(o):
		return o
	case o == Moment{}:
		return m
	}
	return Moment{Answer: Several}
}

// Same reports whether two things are of one moment.
func (m Moment) Same(o Moment) bool {
	return m == Moment{} || o == Moment{} || m.Answer == o.Answer && m.Answer != Several || m.Commit == o.Commit && m.Commit != task.Mark{}
}

// trace is what a client's view was asked while something walked through it.
type trace struct {
	moment   Moment           // of the last answer
	whole    Moment           // of all of them
	asked    []question       // of this walk
	known    map[question]int // its place in replies
	replies  []store.Read     // all of one moment
	slot     store.Slot
	elements int
	bytes    int
	several  bool // more than one slot was asked
	missed   bool // something was asked that is not among the replies
}

// question is what a store.Read asks.
type question struct {
	table store.Table
	kind  store.ReadKind
	field string
	span  store.Span
	part  store.Part
}

func questionOf(r *store.Read) question {
	return question{r.Table, r.Kind, r.Field, r.Span, r.Part}
}

// Traced returns the view itself in an event, and else one for a single walk that knows
// of what moment its answers are.
func (v *View) Traced() *View {
	if v.direct == nil {
		return v
	}
	return &View{direct: v.direct, trace: &trace{}}
}

// Moment is that of the last answer that a traced view has had.
func (v *View) Moment() Moment {
	if v.trace == nil {
		return Moment{}
	}
	return v.trace.moment
}

// ask reads for a client.
func (v *View) ask(slot store.Slot, reads []store.Read) error {
	t := v.trace
	if t == nil {
		return v.direct.Read(slot, reads)
	}
	for i := range reads {
		t.asked = append(t.asked, questionOf(&reads[i]))
	}
	if t.answer(reads) {
		return nil
	}
	t.several = t.several || t.slot != store.Slot{} && t.slot != slot
	t.slot = slot
	mark, err := v.readAt(slot, reads)
	t.moment = Moment{t.moment.Answer + 1, mark}
	t.whole = t.whole.With(t.moment)
	for i := range reads {
		t.count(&reads[i])
	}
	return err
}

func (v *View) readAt(slot store.Slot, reads []store.Read) (task.Mark, error) {
	if m, ok := v.direct.(Moments); ok {
		return m.ReadAt(slot, reads)
	}
	return task.Mark{}, v.direct.Read(slot, reads)
}

// answer answers from the replies.
func (t *trace) answer(reads []store.Read) bool {
	for i := range reads {
		if _, ok := t.known[questionOf(&reads[i])]; !ok {
			t.missed = t.missed || t.known != nil
			return false
		}
	}
	for i := range reads {
		reads[i] = t.replies[t.known[questionOf(&reads[i])]]
		t.count(&reads[i])
	}
	return true
}

func (t *trace) count(r *store.Read) {
	t.elements += len(r.Elements)
	t.bytes += len(r.Value)
	for i := range r.Elements {
		t.bytes += len(r.Elements[i].Field) + len(r.Elements[i].Value)
	}
}

// Torn reports whether a walk through a traced view has had answers of several moments.
func (v *View) Torn() bool {
	return v.trace != nil && (v.trace.missed || v.trace.known == nil && v.trace.whole.Answer == Several)
}

// ErrSplit says that what was asked cannot be asked at one moment: it lies in several
// slots, or is more than one answer holds.
var ErrSplit = errors.New("of several moments")

// Rejoin asks everything that was asked at one moment, for another walk, which may ask
// more (Torn).
func (v *View) Rejoin() error {
	t := v.trace
	if t.several || len(t.asked) > store.ElementsMax || t.elements > store.ElementsMax || t.bytes > store.BytesMax {
		return ErrSplit
	}
	replies := make([]store.Read, 0, len(t.asked))
	known := map[question]int{}
	for _, q := range t.asked {
		if _, twice := known[q]; !twice {
			known[q] = len(replies)
			replies = append(replies, store.Read{Table: q.table, Kind: q.kind, Field: q.field, Span: q.span, Part: q.part})
		}
	}
	mark, err := v.readAt(t.slot, replies)
	moment := Moment{t.moment.Answer + 1, mark}
	*t = trace{moment: moment, whole: moment, known: known, replies: replies, slot: t.slot}
	return err
}
