package microbatch

import "github.com/coppice-run/coppice/task"

// Step is how far a task is with an attempt.
type Step uint8

// The steps, in their order.
const (
	Out      Step = iota // takes no part in any
	Looking              // looks whether it still owns its slot, before it joins
	In                   // has joined: events run over its overlay
	Sealing              // the stage is on its way to the slot
	Sealed               // the stage is in the slot
	Stamping             // the apply is on its way to the slot
)

var stepNames = [...]string{"out", "looking", "in", "sealing", "sealed", "stamping"}

func (s Step) String() string { return stepNames[s] }

// Answer is what a task has to do about a message.
type Answer uint8

// What it has to do.
const (
	Nothing Answer = iota // nothing, or wait
	Look                  // look at its own head, and then Looked
	Again                 // say once more that it has joined
	Tell                  // answer as the method says
	Leave                 // answer that it cannot take part
	Store                 // store the stage, or the write set and the stamp
	Prove                 // see the decision first
	Missing               // a decided microbatch's stage is not in the slot
)

// Participant is the machine of every task. Not for concurrent use.
type Participant struct {
	stamp Name // the last microbatch that its slot has applied
	stage Name // whose write set its slot holds; zero: none
	name  Name // of the attempt that it knows last
	step  Step
	left  map[task.Token]bool // attempts at the microbatch behind the stamp that it has left
}

// NewParticipant returns one that goes on from what its slot holds.
func NewParticipant(stamp, stage Name) *Participant {
	p := &Participant{stamp: stamp, stage: stage, left: map[task.Token]bool{}}
	if stage.ID == stamp.ID+1 {
		p.name, p.step = stage, Sealed
		p.left[stage.Token] = true // its overlay is gone: it can be applied, and not joined
	}
	return p
}

// Stamp is the last microbatch that its slot has applied.
func (p *Participant) Stamp() Name { return p.stamp }

// Stage is the attempt whose write set its slot holds.
func (p *Participant) Stage() Name { return p.stage }

// Step is how far it is, Name with which attempt.
func (p *Participant) Step() Step { return p.step }

// Name is the attempt that it is in.
func (p *Participant) Name() Name { return p.name }

// Join asks it to take part. Tell: its stamp says enough, because the microbatch is
// applied here, or one before it is not. Look: it joins if it is still the owner.
func (p *Participant) Join(n Name) Answer {
	switch {
	case p.step == Stamping:
		return Nothing
	case n.ID != p.stamp.ID+1:
		return Tell
	case n == p.name && p.step == In:
		return Again
	case p.left[n.Token]:
		return Leave
	case p.step == Sealing:
		return Nothing // its commit is under way: ask again
	}
	if p.name != n && !p.name.IsZero() {
		p.left[p.name.Token] = true
	}
	p.name, p.step = n, Looking
	return Look
}

// Looked says that the head that Join wanted was seen. It reports whether the task is in
// the attempt now.
func (p *Participant) Looked() bool {
	if p.step != Looking {
		return false
	}
	p.step = In
	return true
}

// Takes reports whether events of an attempt run here.
func (p *Participant) Takes(n Name) bool { return p.step == In && n == p.name }

// Seal asks it to store its write set. Tell: it has.
func (p *Participant) Seal(n Name) Answer {
	switch {
	case n == p.stage && p.step == Sealed:
		return Tell
	case n != p.name || p.step != In && p.step != Sealing:
		return Leave
	case p.step == In:
		p.step = Sealing
		return Store
	}
	return Nothing
}

// SealStored says that the stage is in the slot.
func (p *Participant) SealStored() {
	if p.step == Sealing {
		p.step, p.stage = Sealed, p.name
	}
}

// Apply tells it that an attempt is decided. Tell: it has applied it, or lacks one
// before it. Prove: it has to see the decision, and then Decided.
func (p *Participant) Apply(n Name) Answer {
	switch {
	case p.step == Stamping:
		return Nothing
	case n.ID != p.stamp.ID+1:
		return Tell
	case n == p.stage:
		return Prove
	case p.step == Sealing && n == p.name:
		return Nothing // it will be
	}
	return Missing
}

// Decided says that the decision was seen. It reports whether the write set is to be
// stored, with the stamp, in one commit.
func (p *Participant) Decided(n Name) bool {
	if n != p.stage || n.ID != p.stamp.ID+1 || p.step == Stamping || p.step == Sealing {
		return false
	}
	p.name, p.step = n, Stamping
	return true
}

// ApplyStored says that the write set and the stamp are in the slot.
func (p *Participant) ApplyStored() {
	if p.step == Stamping {
		p.stamp, p.stage, p.name, p.step = p.name, Name{}, Name{}, Out
		clear(p.left)
	}
}

// Quit leaves the attempt: it cannot go on. Another one may come.
func (p *Participant) Quit() {
	if p.step == In || p.step == Looking {
		p.left[p.name.Token] = true
		p.name, p.step = Name{}, Out
	}
}
