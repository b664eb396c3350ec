package simulation

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// A trace is for people: it says what ran with what, and whose event it was.

// payloadMax bounds what is shown of a payload.
const payloadMax = 200

// tell notes, of a handler that returns, what it was called with. Handlers run ahead, so that
// one may begin before another ends: that which ends is the one that returned last.
func (w *world) tell(text func() string) {
	if w.config.Trace != nil {
		w.told = text()
	}
}

// recordText words a record as its source's handler has it.
func recordText(r *depot.Record) string {
	if r.Key == nil {
		return shortened(string(r.Value))
	}
	return fmt.Sprintf("key %q, %s", r.Key, shortened(string(r.Value)))
}

// payloadText words the payload of an event.
func payloadText(c wire.Column, i int) string {
	raw, err := c.AppendEncoded(nil, i)
	if err != nil {
		return err.Error()
	}
	return shortened(string(raw))
}

func shortened(text string) string {
	if len(text) > payloadMax {
		return text[:payloadMax] + "…"
	}
	return text
}

// ran traces an event that has run.
func (w *world) ran(o *owner, i *runtime.EventInfo) {
	name := i.Topology + "/" + i.Step
	from := ""
	if sender, ok := w.senders[i.Seed]; ok && !i.Root {
		from = " from " + sender
	}
	w.tracef("%v ran %s (%s)%s of task %d offset %d attempt %d, err %v", o, name, w.told, from, i.RootTask, i.Offset, i.Attempt, i.Err)
	w.told = ""
	if w.senders == nil {
		w.senders = map[uint64]string{}
	}
	for n := range i.Children {
		w.senders[acker.Child(i.Seed, uint32(n))] = fmt.Sprintf("%s on task %d", name, o.id)
	}
}

// legible escapes what would break a line of a trace.
func legible(text string) string {
	ok := func(r rune, size int) bool { return strconv.IsPrint(r) && (r != utf8.RuneError || size > 1) }
	clean := true
	for i := 0; i < len(text) && clean; {
		r, size := utf8.DecodeRuneInString(text[i:])
		clean = ok(r, size)
		i += size
	}
	if clean {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if ok(r, size) {
			out.WriteString(text[i : i+size])
		} else {
			quoted := strconv.Quote(text[i : i+size])
			out.WriteString(quoted[1 : len(quoted)-1])
		}
		i += size
	}
	return out.String()
}

// summary words a commit for the trace: what PStates it changes, and with engine the engine's
// own tables, too.
func summary(changes []store.Change, engine bool) string {
	var out strings.Builder
	for _, c := range changes {
		_, name, _ := strings.Cut(c.Table.Key, "}:")
		pstate, ok := strings.CutPrefix(name, "p:")
		if ok = ok && !strings.HasPrefix(pstate, "$$__"); !ok && !engine {
			continue
		}
		out.WriteString(name)
		for _, f := range c.Writes {
			if f.Delete {
				fmt.Fprintf(&out, " -%q", f.Field)
			} else {
				fmt.Fprintf(&out, " %q=%q", f.Field, f.Value)
			}
		}
		out.WriteString("; ")
	}
	if out.Len() == 0 {
		return "no PState"
	}
	return out.String()
}
