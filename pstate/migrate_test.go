package pstate_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

// Migrations follow each other: what is stored may have passed none of them, or the first. What is
// written says by which it was, in white space that JSON does not count, and is read without the
// migrations, too.
func TestMigrationsFollowEachOther(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var none, both, later pstate.Map[string, int]
	var texts pstate.Map[string, string]
	a := pstate.Migrate("a", func(n int) string { return strconv.Itoa(n) + "!" })
	z := pstate.Migrate("z", func(s string) int { return 1000 + len(s) })
	b.declare(&none, "p")
	b.do(func(w pstate.Writer) {
		none.Key("never").Set(w, 12)
		none.Key("again").Set(w, 12)
	})
	b.commit()

	b.take(task.Tag("M", 0, 1)) // nothing is in memory
	b.declare(&texts, "p", a)
	b.do(func(w pstate.Writer) {
		if got, err := texts.Key("again").Get(w); got != "12!" || err != nil {
			t.Errorf("migrated once: %q, %v", got, err)
		}
		texts.Key("again").Set(w, "four")
	})
	b.commit()

	b.take(task.Tag("M", 0, 1)) // nothing is in memory
	b.declare(&both, "p", a, z)
	b.do(func(w pstate.Writer) {
		for key, want := range map[string]int{"never": 1003, "again": 1004} {
			if got, err := both.Key(key).Get(w); got != want || err != nil {
				t.Errorf("%s: %d, %v; want %d", key, got, err, want)
			}
			both.Key(key).Update(w, func(n int) int { return n + 1 })
		}
	})
	b.commit()

	b.take(task.Tag("M", 0, 1)) // nothing is in memory
	b.declare(&later, "p")
	b.do(func(w pstate.Writer) {
		if got, err := later.Key("never").Get(w); got != 1004 || err != nil {
			t.Errorf("without the migrations: %d, %v", got, err)
		}
	})
	if mark := pstate.MarkOf("a"); strings.TrimSpace(mark) != "" || len(mark) != 8 || mark == pstate.MarkOf("z") {
		t.Errorf("the mark is %q", mark)
	}
}
