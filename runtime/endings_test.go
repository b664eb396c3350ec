package runtime_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// That a record was rejected or parked, at its root or further down, is still known to
// later owners: who asks late must not hear that it is done.
func TestEndingsSurviveTheirOwner(t *testing.T) {
	t.Parallel()
	for _, exactly := range []bool{true, false} {
		for _, where := range []string{"root", "leaf"} {
			for _, c := range []struct {
				name string
				end  func(error) error
				kind runtime.AnswerKind
			}{{"rejected", module.Reject, runtime.AnswerRejected}, {"parked", module.Park, runtime.AnswerParked}} {
				t.Run(fmt.Sprint(map[bool]string{true: "exactly once ", false: "at least once "}[exactly], c.name, " at the ", where), func(t *testing.T) {
					t.Parallel()
					m := newBranches()
					if !exactly {
						m.lasting = nil
					}
					m.do[where] = func(*module.Event) error { return c.end(errors.New("no")) }
					w := newTown(t, m, 1, runtime.Options{})
					a := w.tasks[0]
					a.await(0)
					a.give(0, node{0, "root", []node{leaf(0, "leaf")}})
					w.settle()
					text := "no"
					if where == "leaf" && c.kind == runtime.AnswerParked {
						text = "step next: no"
					}
					answered(t, "the owner", a.answers, c.kind, text)
					answered(t, "the owner, asked late", a.await(0), c.kind, text)
					w.wait(2e9) // until the progress is written
					w.settle()
					for range 2 {
						a.own(m)
						w.settle()
						answered(t, "a later owner", a.await(0), c.kind, text)
					}
				})
			}
		}
	}
}

// A parked record that ran again, on order, is what became of it then, also for later
// owners.
func TestEndingsOfOrders(t *testing.T) {
	t.Parallel()
	for _, hops := range []bool{true, false} {
		for _, exactly := range []bool{true, false} {
			t.Run(fmt.Sprint(map[bool]string{true: "exactly once", false: "at least once"}[exactly], map[bool]string{true: ", hops"}[hops]), func(t *testing.T) {
				t.Parallel()
				m := newBranches()
				if !exactly {
					m.lasting = nil
				}
				m.do["root"] = func(*module.Event) error { return module.Park(errors.New("no")) }
				w := newTown(t, m, 1, runtime.Options{})
				a := w.tasks[0]
				root := leaf(0, "root")
				if hops {
					root.Below = []node{leaf(0, "leaf")}
				}
				a.give(0, root)
				w.settle()
				answered(t, "parked", a.await(0), runtime.AnswerParked, "no")
				retry := func(kind runtime.AnswerKind, text string) {
					t.Helper()
					a.answers = nil
					a.step(&runtime.Parked{Order: runtime.ParkedRetry, Topology: "grow", Source: "roots", Offset: 0, Waiter: 5})
					w.settle()
					answered(t, "the order", a.answers, kind, text)
					answered(t, "the owner", a.await(0), kind, text)
					a.own(m)
					w.settle()
					answered(t, "a later owner", a.await(0), kind, text)
				}
				m.do["root"] = func(*module.Event) error { return errors.New("not yet") }
				retry(runtime.AnswerParked, "not yet")
				if exactly {
					// Its events further down may end otherwise than well, too.
					m.do["root"] = nil
					m.do["leaf"] = func(*module.Event) error { return module.Reject(errors.New("never")) }
					if hops {
						retry(runtime.AnswerRejected, "never")
						return
					}
				}
				delete(m.do, "root")
				retry(runtime.AnswerDone, "")
				if n := len(a.table("p:$$__parked")) + len(a.table("endings")); n > 0 {
					t.Errorf("the slot still has parked records %v and endings %v", a.table("p:$$__parked"), a.table("endings"))
				}
			})
		}
	}
}

// Only the latest endings are kept.
func TestEndingsAreBounded(t *testing.T) {
	t.Parallel()
	m := newBranches()
	m.do["root"] = func(*module.Event) error { return module.Reject(errors.New("no")) }
	w := newTown(t, m, 1, runtime.Options{})
	a := w.tasks[0]
	const records, kept = 1100, 1000
	for offset := range int64(records) {
		a.give(offset, leaf(0, "root"))
		if offset%100 == 50 {
			w.settle()
		}
		if offset == 700 {
			a.own(m)
			w.settle()
		}
	}
	w.settle()
	endings := a.table("endings")
	_, first := endings["grow/roots/100"]
	_, last := endings["grow/roots/1099"]
	if len(endings) != kept || !first || !last {
		t.Errorf("%d endings are kept, from 100 on: %t, to the last: %t; want the last %d", len(endings), first, last, kept)
	}
}
