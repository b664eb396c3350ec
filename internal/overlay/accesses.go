package overlay

// Accesses counts what handlers do with PStates, whether memory answers or the store.
type Accesses struct {
	// PointReads are the elements that were asked for one by one, and lengths; also
	// those of an update, and those that are not there.
	PointReads int
	// RangeScans are the ranges that were read, and Elements what they gave.
	RangeScans int
	Elements   int
	// Writes are the elements that were written or deleted, each time, and the
	// structures that were dropped.
	Writes int
}

func (v *View) countRead() {
	if v.Accesses != nil {
		v.Accesses.PointReads++
	}
}

func (v *View) countScan() {
	if v.Accesses != nil {
		v.Accesses.RangeScans++
	}
}

func (v *View) countElement() {
	if v.Accesses != nil {
		v.Accesses.Elements++
	}
}

func (v *View) countWrite() {
	if v.Accesses != nil {
		v.Accesses.Writes++
	}
}
