package module

import (
	"fmt"
	"iter"

	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/wire"
)

// Rows is the handle of a part of a batch block that keeps rows on the task on which they
// are added, for later blocks to read, any number of times (promise 11.21).
type Rows[T any] struct{ r rowsDecl[T] }

type rowsDecl[T any] struct {
	collector
	codec *codec.Codec[T]
}

type rowsCell[T any] struct{ column *wire.ColumnOf[T] }

// BatchCell makes it a cell.
func (*rowsCell[T]) BatchCell() {}

// DeclareRows declares rows that are kept. They can be read from the block's beginning on
// (Batch.OnBegin), and are gone with the microbatch.
func DeclareRows[T any](b *Batch, r *Rows[T], name string) {
	thing := fmt.Sprintf("part %q of %s", name, b.thing())
	b.stream.b.handle(thing, r)
	c, err := codec.JSON[T]()
	if err != nil {
		b.stream.b.mistake(thing, err.Error(), "rows with references are kept in their stored form")
	}
	r.r = rowsDecl[T]{collector{b, name, b.part(fmt.Sprintf("%s: rows of %s", name, typeName[T]()))}, &c}
}

// Add keeps a row on the event's task.
func (r Rows[T]) Add(ev *Event, row T) {
	h := r.r.adds(ev)
	if h == nil {
		return
	}
	if h.Round() >= r.r.batch.reads {
		h.Fail("row for %q after batch block %q began: its rows are being read", r.r.name, r.r.batch.plan.Name)
		return
	}
	if r.r.codec.Plain {
		h.Keep(func() { _ = r.memory(h).column.Put(row) }) // it is kept as it is
		return
	}
	raw, err := r.r.codec.Append(nil, &row)
	if err != nil {
		h.Fail("row for %q does not encode: %w", r.r.name, err)
		return
	}
	h.Keep(func() { r.memory(h).column.Add(raw) })
}

// All returns the rows that were added on the event's task, in their order. Before the block
// has begun the event fails.
func (r Rows[T]) All(ev *Event) iter.Seq[T] {
	return func(yield func(T) bool) {
		h := r.r.used(ev)
		if h == nil {
			return
		}
		if h.Round() < r.r.batch.reads {
			h.Fail("rows of %q are read before batch block %q has begun: more may come", r.r.name, r.r.batch.plan.Name)
			return
		}
		column := r.memory(h).column
		for i := range column.Len() {
			row, err := column.Get(i)
			if err != nil {
				h.Fail("row of %q does not decode: %w", r.r.name, err)
				return
			}
			if !yield(row) {
				return
			}
		}
	}
}

func (r Rows[T]) memory(h *host.Event) *rowsCell[T] {
	return h.Memory.Cell(r.r.cell, func() host.Cell { return &rowsCell[T]{wire.NewColumn(r.r.codec, false)} }).(*rowsCell[T])
}
