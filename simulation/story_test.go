package simulation

import (
	"bytes"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// A trace says what ran with what, and who sent it; the engine's own tables are in it where
// they are asked for.
func TestTraceIsForPeople(t *testing.T) {
	t.Parallel()
	text := func(engine bool) string {
		var out bytes.Buffer
		m := &relay{}
		u := Users{Programs: 1, Program: m.program, Tasks: 2}
		c := u.config(1, u.workload(m, nil))
		c.Calm, c.Trace, c.TraceEngine = true, &out, engine
		Run(c)
		return out.String()
	}
	plain, whole := text(false), text(true)
	for _, want := range []string{`ran s/words ("`, `ran s/count ("`, ` from s/words on task `, `ran s/evens (key "`, `p:counts `} {
		if !strings.Contains(plain, want) {
			t.Errorf("the trace lacks %q", want)
		}
	}
	progress := "p:" + wire.ProgressName("s")
	if strings.Contains(plain, progress) || !strings.Contains(whole, progress) {
		t.Errorf("%s is in the trace: %v, and with the engine's tables: %v", progress, strings.Contains(plain, progress), strings.Contains(whole, progress))
	}
}

func TestLegible(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"plain ü": "plain ü", "a\x00b\nc": `a\x00b\nc`, "\xff{�}": `\xff{�}`, "": ""} {
		if got := legible(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	changes := []store.Change{{Table: store.Table{Key: "{m:0:1}:p:counts"}, Writes: []store.Write{{Field: "a", Value: "1"}}}, {Table: wire.OutboxTable("m:0:1")}}
	if got := summary(changes, false); got != `p:counts "a"="1"; ` {
		t.Errorf("the commit is %q", got)
	}
	if got := summary(changes[1:], false); got != "no PState" {
		t.Errorf("a commit of the engine alone is %q", got)
	}
}
