package overlay

import "github.com/coppice-run/coppice/store"

// Direct reads committed data at once, for clients.
type Direct interface {
	// Slot finds the slot that holds what the path names.
	Slot(p *Path) (store.Slot, error)
	Read(slot store.Slot, reads []store.Read) error
}

// NewDirect returns a client's view.
func NewDirect(direct Direct) *View { return &View{direct: direct} }

func lookupDirect[T any](v *View, p *Path) (value T, found bool, err error) {
	slot, err := v.direct.Slot(p)
	if err != nil {
		return value, false, err
	}
	read := [1]store.Read{{Kind: store.Get, Table: p.tableIn(slot.Tag), Field: p.fieldText()}}
	if err := v.ask(slot, read[:]); err != nil {
		return value, false, err
	}
	if !read[0].Found {
		return initial[T](v, p)
	}
	if err := codecOf[T](p).Decode(bytesOf(read[0].Value), &value); err != nil {
		return value, false, undecoded(p, read[0].Field, err)
	}
	return value, true, nil
}

func lenDirect(v *View, p *Path) (int, error) {
	slot, err := v.direct.Slot(p)
	if err != nil {
		return 0, err
	}
	read := [1]store.Read{{Kind: store.Len, Table: p.tableIn(slot.Tag)}}
	err = v.ask(slot, read[:])
	return read[0].Count, err
}

func scanDirect[T any](v *View, p *Path, span store.Span, yield func(string, T) bool) error {
	slot, err := v.direct.Slot(p)
	if err != nil {
		return err
	}
	leaf := codecOf[T](p)
	read := [1]store.Read{{Kind: store.Range, Table: p.tableIn(slot.Tag), Span: span}}
	left := span.Limit
	for {
		if err := v.ask(slot, read[:]); err != nil {
			return err
		}
		for _, element := range read[0].Elements {
			var value T
			if err := leaf.Decode(bytesOf(element.Value), &value); err != nil {
				return undecoded(p, element.Field, err)
			}
			if !yield(element.Field, value) {
				return nil
			}
			if left--; left == 0 {
				return nil
			}
		}
		if !read[0].More {
			return nil
		}
		next := behind(read[0].Span, read[0].Elements[len(read[0].Elements)-1].Field)
		next.Limit = max(left, 0)
		read[0] = store.Read{Kind: store.Range, Table: read[0].Table, Span: next}
	}
}
