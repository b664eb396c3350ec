package main

import (
	"fmt"
	"math"
	"strings"
	"text/template"
)

// costs are what scaling is computed from.
type costs struct{ profile, growth *report }

// busy is how far a part is loaded at most: what is left is for bursts, and for taking over
// from one that is gone.
const busy = 0.6

// nanos is the CPU time of a worker per event of a workload.
func (c costs) nanos(workload string) float64 {
	for _, b := range c.profile.Budgets {
		if b.Workload == workload {
			return b.Nanos
		}
	}
	return math.NaN()
}

// redis is the CPU time of Redis per event of a workload.
func (c costs) redis(workload string) float64 {
	for _, b := range c.profile.Budgets {
		if b.Workload == workload {
			return b.Usage.RedisNanos
		}
	}
	return math.NaN()
}

// rate is the median of a floor.
func (c costs) rate(floor string) float64 {
	for _, f := range c.profile.Figures {
		if f.Workload == floor && len(f.Subjects) > 0 {
			return median(f.Subjects[0].Values)
		}
	}
	return math.NaN()
}

// worker is the CPU time of all workers per event, at a place of the first line of a curve.
func (c costs) worker(name string, x float64) float64 {
	if c.growth == nil {
		return math.NaN()
	}
	for _, curve := range c.growth.Curves {
		if curve.Name != name || len(curve.Lines) == 0 {
			continue
		}
		for _, p := range curve.Lines[0].Points {
			if p.X == x && p.Worker > 0 {
				return p.Worker
			}
		}
	}
	return math.NaN()
}

// hop is the CPU time that a hop to another worker costs beside one within a worker, both ends
// together: of words with four workers three of four hops do that.
func (c costs) hop() float64 { return (c.worker("workers", 4) - c.worker("workers", 1)) / (1 - 1.0/4) }

// word is the CPU time of a word with so many workers.
func (c costs) word(workers float64) float64 {
	return c.nanos("words") + c.hop()*(1-1/workers)
}

// wordCores is how many cores words need, and how many workers of so many cores each that is: which
// is what makes a part of the hops leave a worker.
func (c costs) wordCores(events float64) float64 {
	workers := 1.0
	for range 10 { // more workers have more hops that leave them
		workers = max(1, math.Ceil(events*c.word(workers)/1e9/busy/workerCores))
	}
	return events * c.word(workers) / 1e9 / busy
}

// workerCores is how many cores a worker has that the tables count with.
const workerCores = 4

// up is how many parts are needed, written for people.
func up(n float64) string {
	if math.IsNaN(n) {
		return "not measured yet"
	}
	whole := max(1, math.Ceil(n))
	if whole < 1000 {
		return fmt.Sprintf("%.0f", whole)
	}
	return number(whole)
}

// measured writes a cost, if there is one.
func measured(v float64, unit string) string {
	if math.IsNaN(v) {
		return "not measured yet"
	}
	if v >= 100 {
		v = math.Round(v) // no decimals are meant where there are three digits
	}
	return strings.TrimSuffix(number(v), ".00") + " " + unit
}

func (c costs) functions() template.FuncMap {
	return template.FuncMap{
		"nanos": func(workload string) string { return measured(c.nanos(workload), "ns") },
		"rate":  func(floor, unit string) string { return measured(c.rate(floor), unit) },
		// cores that workers need for so many events a second.
		"cores": func(workload string, events float64) string { return up(events * c.nanos(workload) / 1e9 / busy) },
		// wordcores is the same of words, whose hops leave a worker where there are several; workers have
		// so many cores each.
		"wordcores":   func(events float64) string { return up(c.wordCores(events)) },
		"workercores": func() int { return workerCores },
		"hop":         func() string { return measured(c.hop(), "ns") },
		"costlier":    func() string { return strings.TrimSpace(measured(c.word(math.Inf(1))/c.word(1), "")) },
		"word":        func(workers float64) string { return measured(c.word(workers), "ns") },
		// masters that Redis needs for so many fields, or reads, a second, each of which takes as much as
		// one of count.
		"masters": func(fields float64) string { return up(fields * c.redis("count") / 1e9 / busy) },
		"redis":   func(workload string) string { return measured(c.redis(workload), "ns") },
		// brokers that the log needs for so many records of 100 B a second: each is written by three,
		// and read by a worker and by two that follow.
		"brokers": func(records float64) string {
			return up(records * 3 * (1/c.rate("floor-produce") + 1/c.rate("floor-consume")) / busy)
		},
	}
}
