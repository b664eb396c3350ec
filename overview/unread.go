package overview

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/task"
)

// unread are the depots of which it cannot be read how far sources are with them: one finding
// for each, whoever reads it. All else of the module is told all the same.
func unread(m *Module) []Finding {
	type place struct{ depot, topic string }
	at := map[place]int{}
	all := []Finding{}
	partitions := [][]task.ID{}
	for i := range m.Topologies {
		t := &m.Topologies[i]
		for k := range t.Sources {
			s := &t.Sources[k]
			if s.Error == "" {
				continue
			}
			n, known := at[place{s.Depot, s.Topic}]
			if !known {
				n = len(all)
				at[place{s.Depot, s.Topic}] = n
				all = append(all, Finding{Severity: Broken, Waits: s.Error, Mend: mendUnread(s), Topology: t.Name, Page: "topologies"})
				partitions = append(partitions, nil)
			}
			for _, p := range s.Partitions {
				if id := task.ID(p.Partition); p.Error != "" && !slices.Contains(partitions[n], id) {
					partitions[n] = append(partitions[n], id)
				}
			}
			all[n].What = whatUnread(s, partitions[n])
		}
	}
	return all
}

func whatUnread(s *Source, partitions []task.ID) string {
	what := fmt.Sprintf("the progress with depot %s cannot be read", s.Depot)
	var where []string
	if s.Topic != "" {
		where = append(where, "topic "+s.Topic)
	}
	switch len(partitions) {
	case 0:
	case 1:
		where = append(where, fmt.Sprintf("partition %d", partitions[0]))
	default:
		where = append(where, "partitions "+taskList(partitions))
	}
	if len(where) > 0 {
		what += ": " + strings.Join(where, ", ")
	}
	return what
}

func mendUnread(s *Source) string {
	if s.Topic == "" {
		return "mend what it says"
	}
	return fmt.Sprintf("look whether topic %s is there, with all its partitions, whether its brokers answer, and whether this user may describe it; a topic that was deleted is gone with its records: restore it from a copy", s.Topic)
}

// Unread reports whether something of how far a topology is cannot be read.
func (t *Topology) Unread() bool {
	return slices.ContainsFunc(t.Sources, func(s Source) bool { return s.Error != "" })
}
