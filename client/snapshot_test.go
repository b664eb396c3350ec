package client

import (
	"context"
	"errors"
	"testing"

	"github.com/coppice-run/coppice/internal/reading"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/microbatch"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// stamps is a store whose slot has one stamp after another; the value read is the stamp's id.
type stamps struct {
	store.Store
	all  []wire.Stamp
	read int
}

func (s *stamps) Read(_ context.Context, _ store.Slot, reads []store.Read) (task.Head, error) {
	at := s.all[min(s.read, len(s.all)-1)]
	s.read++
	for i := range reads {
		if reads[i].Found = true; reads[i].Field == wire.StampField {
			reads[i].Value = string(at.AppendText(nil))
		} else {
			reads[i].Value = string(rune('0' + at.ID))
		}
	}
	return task.Head{}, nil
}

// promise 18.04: a snapshot waits for tasks that have not applied its microbatch, and does not
// show those that have gone on, or have applied another attempt at it.
func TestASnapshotIsOfOneMicrobatch(t *testing.T) {
	t.Parallel()
	one, other := task.Token{1}, task.Token{2}
	at := microbatch.Name{ID: 5, Token: one}
	for name, c := range map[string]struct {
		all   []wire.Stamp
		want  string // what is read; "" ErrMoved
		asked int
	}{
		"there":           {[]wire.Stamp{{ID: 5, Token: one}}, "5", 1},
		"behind":          {[]wire.Stamp{{ID: 4, Token: other}, {ID: 4, Token: other}, {ID: 5, Token: one}}, "5", 3},
		"gone on":         {[]wire.Stamp{{ID: 6, Token: other}}, "", 1},
		"another attempt": {[]wire.Stamp{{ID: 5, Token: other}}, "", 1},
		"missed":          {[]wire.Stamp{{ID: 4, Token: other}, {ID: 6, Token: other}}, "", 2},
	} {
		from := &stamps{all: c.all}
		s := &snapshot{Direct: &reading.Direct{Ctx: t.Context(), Store: from}, topology: "t", at: at}
		reads := []store.Read{{Kind: store.Get, Field: "value"}}
		err := s.Read(store.Slot{}, reads)
		if reads[0].Value != c.want || errors.Is(err, ErrMoved) != (c.want == "") || s.moved != (c.want == "") || from.read != c.asked {
			t.Errorf("%s: %q is read, %v, the slot %d times", name, reads[0].Value, err, from.read)
		}
	}
}
