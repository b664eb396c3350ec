package cli

import (
	"io"

	"github.com/vbauerster/cupwriter"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bar shows how far long work is, on a terminal; elsewhere it shows nothing.
type bar struct {
	progress *mpb.Progress
	bar      *mpb.Bar
	what     string
	to       io.Writer
}

// newBar returns a bar that draws on w if that is a terminal.
func newBar(w io.Writer, what string) *bar {
	b := &bar{what: what}
	if cupwriter.New(w, false).IsTerminal() {
		b.to = w
	}
	return b
}

// set moves the bar.
func (b *bar) set(done, total int) {
	if b.to == nil {
		return
	}
	if b.progress == nil {
		b.progress = mpb.New(mpb.WithOutput(b.to), mpb.WithWidth(48))
		b.bar = b.progress.AddBar(int64(total),
			mpb.PrependDecorators(decor.Name(b.what+" "), decor.CountersNoUnit("%d / %d")),
			mpb.AppendDecorators(decor.Percentage()),
			mpb.BarRemoveOnComplete(),
		)
	}
	b.bar.SetTotal(int64(total), false)
	b.bar.SetCurrent(int64(done))
}

// end takes the bar away.
func (b *bar) end() {
	if b.progress != nil {
		b.bar.Abort(true)
		b.progress.Wait()
	}
}
