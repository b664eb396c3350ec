package forest

import (
	"strings"
	"testing"
)

// What follows from a history of changes, and what does not.
func TestHistories(t *testing.T) {
	t.Parallel()
	create := func(id, parent string) Change { return Change{ID: id, Parent: parent, Text: "some"} }
	remove := func(id string) Change { return Change{ID: id, Delete: true} }
	none := &Forest{Parent: map[string]string{}}
	for _, c := range []struct {
		name     string
		past     func(h *History)
		at       *Forest
		followed int
		wrong    string
	}{
		{"a root is there", func(h *History) { h.Begin(create("a", ""))() }, &Forest{Parent: map[string]string{"a": ""}}, 1, ""},
		{"a root is not there", func(h *History) { h.Begin(create("a", ""))() }, none, 1, "a was created as a root"},
		{"a root that may be not appended", func(h *History) { h.Begin(create("a", "")) }, none, 0, ""},
		{"a root that may be deleted", func(h *History) {
			h.Begin(create("a", ""))()
			h.Begin(remove("a"))
		}, none, 0, ""},
		{"a root that may have been a child before", func(h *History) {
			h.Begin(create("a", "b"))
			h.Begin(create("a", ""))()
		}, none, 0, ""},
		{"deleted", func(h *History) {
			h.Begin(create("a", ""))()
			h.Begin(remove("a"))()
		}, &Forest{Parent: map[string]string{"a": ""}}, 1, "a was deleted after all its creations"},
		{"deleted while it was created", func(h *History) {
			end := h.Begin(create("a", ""))
			h.Begin(remove("a"))()
			end()
		}, &Forest{Parent: map[string]string{"a": ""}}, 0, ""},
		{"below what was seen", func(h *History) {
			h.Begin(create("b", ""))()
			h.Saw(&Forest{Parent: map[string]string{"b": ""}})
			h.Begin(create("a", "b"))()
		}, &Forest{Parent: map[string]string{"b": ""}}, 2, "a was created below b"},
		{"created twice at about the same time", func(h *History) {
			h.Begin(create("b", ""))()
			h.Saw(&Forest{Parent: map[string]string{"b": ""}})
			h.Begin(create("a", "b"))()
			h.Begin(create("a", ""))()
		}, &Forest{Parent: map[string]string{"a": "", "b": ""}}, 1, ""},
		{"created again", func(h *History) {
			h.Begin(create("b", ""))()
			h.Saw(&Forest{Parent: map[string]string{"b": ""}})
			h.Begin(create("a", "b"))()
			h.Saw(&Forest{Parent: map[string]string{"a": "b", "b": ""}})
			h.Begin(create("a", ""))()
		}, &Forest{Parent: map[string]string{"a": "", "b": ""}}, 2, "a was created below b"},
		{"below what may have come later", func(h *History) {
			h.Begin(create("b", ""))()
			h.Begin(create("a", "b"))()
		}, &Forest{Parent: map[string]string{"b": ""}}, 1, ""},
	} {
		h := &History{}
		c.past(h)
		n, err := h.Check(c.at)
		if n != c.followed || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %d followed, %v; want %d, %q", c.name, n, err, c.followed, c.wrong)
		}
	}
}
