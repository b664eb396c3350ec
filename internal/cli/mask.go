package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/overview"
)

// masker puts something in the place of what handlers say when they fail: such texts quote
// records and values. Which of them are alike still shows.
type masker struct {
	shown bool // as they are: who packs a dump wants them in it
	seen  map[string]int
}

func newMasker(shown bool) *masker { return &masker{shown: shown, seen: map[string]int{}} }

// text masks what a handler said.
func (m *masker) text(said string) string {
	if m.shown || said == "" {
		return said
	}
	n, known := m.seen[said]
	if !known {
		n = len(m.seen) + 1
		m.seen[said] = n
	}
	return fmt.Sprintf("masked text %d, %d bytes: --reasons shows it", n, len(said))
}

// module is an overview without what handlers said.
func (m *masker) module(seen *overview.Module) *overview.Module {
	out := *seen
	out.Topologies = slices.Clone(seen.Topologies)
	for i := range out.Topologies {
		if t := &out.Topologies[i]; t.Oldest != nil {
			t.Oldest = m.tree(t.Oldest)
		}
	}
	said := halts(seen)
	out.Tasks, out.Findings = slices.Clone(seen.Tasks), slices.Clone(seen.Findings)
	for i := range out.Tasks {
		if t := &out.Tasks[i]; t.State == overview.TaskHalted {
			t.Error = m.text(t.Error)
		}
	}
	for i := range out.Findings {
		out.Findings[i].Waits = m.within(out.Findings[i].Waits, said)
	}
	return &out
}

// halts is why tasks of a module have halted, the longest first: codecs and handlers may have said
// so, and quote what they could not take.
func halts(seen *overview.Module) (said []string) {
	for i := range seen.Tasks {
		if t := &seen.Tasks[i]; t.State == overview.TaskHalted && t.Error != "" && !slices.Contains(said, t.Error) {
			said = append(said, t.Error)
		}
	}
	slices.SortStableFunc(said, func(a, b string) int { return len(b) - len(a) })
	return said
}

// within masks what was said within a text.
func (m *masker) within(text string, said []string) string {
	for _, one := range said {
		text = strings.ReplaceAll(text, one, m.text(one))
	}
	return text
}

// findings are those of a doctor who saw these modules, without why tasks have halted.
func (m *masker) findings(found findings, modules []overview.Entry) findings {
	out := slices.Clone(found)
	for _, e := range modules {
		if e.Module == nil {
			continue
		}
		said := halts(e.Module)
		for i := range out {
			out[i].What = m.within(out[i].What, said)
		}
	}
	return out
}

func (m *masker) tree(seen *eventtree.Tree) *eventtree.Tree {
	out := *seen
	out.Error = m.text(seen.Error)
	out.Attempts, out.Events = slices.Clone(seen.Attempts), slices.Clone(seen.Events)
	for i := range out.Attempts {
		out.Attempts[i].Error = m.text(out.Attempts[i].Error)
	}
	for i := range out.Events {
		out.Events[i].Error = m.text(out.Events[i].Error)
	}
	return &out
}

// audit is an audit log in which what was changed of records, and how that failed, is masked or
// left out.
func (m *masker) audit(all []client.AuditEntry) []client.AuditEntry {
	out := slices.Clone(all)
	for i := range out {
		switch e := &out[i]; e.Did {
		case "setOption", "unsetOption", "pauseTopology", "resumeTopology":
		default:
			e.Before, e.After, e.Error = "", "", m.text(e.Error)
		}
	}
	return out
}
