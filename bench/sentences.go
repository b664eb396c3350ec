package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"text/template"
)

// sentences are the reports that the sentences of the page have figures from: what a run after the next
// would make wrong is not written into them by hand.
type sentences map[string]*report

// missing is what stands in a sentence for what was not measured.
const missing = "not measured"

func (t sentences) functions() template.FuncMap {
	return template.FuncMap{
		// ratio is ours by a peer's, ratioSpread has the least and the most beside it, and
		// inverse is the peer's by ours.
		"ratio":       func(name, workload, peer string) string { return inWords(t.ratios(name, workload, peer), false) },
		"ratioSpread": func(name, workload, peer string) string { return inWords(t.ratios(name, workload, peer), true) },
		"inverse": func(name, workload, peer string) string {
			ratios := t.ratios(name, workload, peer)
			for i, v := range ratios {
				ratios[i] = 1 / v
			}
			return inWords(ratios, false)
		},
		// between is one subject by another one.
		"between": func(name, workload, subject, peer string) string {
			if f := t.figure(name, workload); f != nil {
				return inWords(quotients(f.of(subject), f.of(peer)), false)
			}
			return missing
		},
		// value is a subject's median.
		"value": func(name, workload, subject string) string { return t.times(name, workload, subject, 1) },
		// times is so many times a subject's median.
		"times": t.times,
		// part is a subject's median of a part of its rounds, in ms.
		"part": t.part,
		// cpu is the CPU time of an event of a workload that was profiled, in ns: of the worker and of Redis.
		"cpu": t.cpu,
		// most is how many events a second so many processors would take at that, if there was nothing else.
		"most": func(workload string, processors float64) string {
			return t.profiled(workload, func(b *budget) string {
				return whole3(processors * 1e9 / (b.Nanos + b.Usage.RedisNanos))
			})
		},
		// trees are what events of trees differ by; count: the record is one of them.
		"trees": func(record bool) string { return t.trees(record) },
		// tree is what an event costs in trees of so many, in ns.
		"tree": t.tree,
	}
}

func (t sentences) figure(name, workload string) *figure {
	if t[name] == nil {
		return nil
	}
	return t[name].find(workload)
}

func (t sentences) ratios(name, workload, peer string) []float64 {
	f := t.figure(name, workload)
	if f == nil {
		return nil
	}
	return f.ratios(peer)
}

// inWords writes the median, and the spread if that is wanted.
func inWords(values []float64, spread bool) string {
	if len(values) == 0 {
		return missing
	}
	text := precisely(median(values))
	if spread {
		text += fmt.Sprintf(" (%s to %s)", precisely(slices.Min(values)), precisely(slices.Max(values)))
	}
	return text
}

func (t sentences) times(name, workload, subject string, factor float64) string {
	f := t.figure(name, workload)
	if f == nil || len(f.of(subject)) == 0 {
		return missing
	}
	return whole3(factor * median(f.of(subject)))
}

// whole3 writes three digits, or those before the point where there are more.
func whole3(v float64) string {
	if v < 100 {
		return precisely(v)
	}
	return strings.TrimSuffix(number(math.Round(v)), ".00")
}

func (t sentences) part(name, workload, subject, part string) string {
	if t[name] != nil {
		for _, b := range t[name].Breakdowns {
			for _, row := range b.Rows {
				if b.Workload == workload && row.Subject == subject && row.Part == part {
					return whole3(median(row.Millis))
				}
			}
		}
	}
	return missing
}

func (t sentences) profiled(workload string, of func(*budget) string) string {
	if t["profile"] != nil {
		for _, b := range t["profile"].Budgets {
			if b.Workload == workload {
				return of(b)
			}
		}
	}
	return missing
}

func (t sentences) cpu(workload string) string {
	return t.profiled(workload, func(b *budget) string {
		return whole3(b.Nanos) + " ns of the worker and " + whole3(b.Usage.RedisNanos) + " of Redis"
	})
}

func (t sentences) trees(record bool) string {
	if t["growth"] == nil {
		return missing
	}
	return inWords(mostByLeast(treeCosts(t["growth"], record)), false)
}

func (t sentences) tree(events float64, record bool) string {
	if t["growth"] != nil {
		for _, c := range treeCosts(t["growth"], record) {
			if c.events == events {
				return whole3(1e9 * c.cost)
			}
		}
	}
	return missing
}
