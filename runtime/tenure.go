package runtime

import "time"

// tenure is how the task came to own its slot, for who looks.
type tenure struct {
	asked int64         // when it began to want the slot; 0: it has it, or does not want it
	since int64         // when it last came to run; 0: never
	took  time.Duration // from wanting it until then
	from  string        // address of the owner before; "": nobody was
	heard bool          // the slot has said who that is
}

// want begins a take-over, with all tries that it needs.
func (t *Task) want() {
	if t.tenure.asked == 0 {
		t.tenure.asked, t.tenure.heard = t.now, false
	}
}

// hearOwner notes whose slot it was: at a second try it may be the task itself.
func (t *Task) hearOwner(address string) {
	if own := t.config.Address; !t.tenure.heard || address != own {
		t.tenure.from, t.tenure.heard = address, true
	}
}

// owns ends a take-over.
func (t *Task) owns() {
	t.tenure.since, t.tenure.took, t.tenure.asked = t.now, time.Duration(t.now-t.tenure.asked), 0
}
