package simulation

import "slices"

// reductions bounds the runs that a reduction takes.
const reductions = 400

// Reduce finds a small schedule that still fails: fewer tasks, records and
// programs, fewer kinds of faults, and of those that strike only some.
func Reduce(c Config) Config {
	c.Trace = nil
	budget := reductions
	fails := func(c Config) (*Result, bool) {
		if budget == 0 {
			return nil, false
		}
		budget--
		r := Run(c)
		return r, len(r.Violations) > 0
	}
	r, ok := fails(c)
	if !ok {
		return c
	}
	for _, step := range []func(Config, *Result) []Config{fewerKinds, fewerTasks, fewerPrograms, fewerRecords, fewerStrikes} {
		for progress := true; progress; {
			progress = false
			for _, smaller := range step(c, r) {
				if s, ok := fails(smaller); ok {
					c, r, progress = smaller, s, true
					break
				}
			}
		}
	}
	return c
}

func fewerKinds(c Config, r *Result) (out []Config) {
	for f := range faultCount {
		if r.Faults[f] > 0 && !slices.Contains(c.Without, f) {
			s := c
			s.Without = append(slices.Clone(c.Without), f)
			out = append(out, s)
		}
	}
	return out
}

func fewerTasks(c Config, r *Result) (out []Config) {
	for n := 1; n < r.Tasks; n++ {
		s := c
		s.Tasks = n
		out = append(out, s)
	}
	return out
}

func fewerPrograms(c Config, r *Result) (out []Config) {
	for n := 1; n < r.programs; n++ {
		s := c
		s.programs = n
		out = append(out, s)
	}
	return out
}

func fewerRecords(c Config, r *Result) (out []Config) {
	if r.programs > 0 {
		return nil // they append as many as they like
	}
	for _, n := range []int{r.Records / 4, r.Records / 2, r.Records * 3 / 4, r.Records - 1} {
		if n > 0 && n < r.Records {
			s := c
			s.Records = n
			out = append(out, s)
		}
	}
	return out
}

// fewerStrikes leaves out halves, quarters, … of the faults that strike by themselves.
func fewerStrikes(c Config, r *Result) (out []Config) {
	for size := len(r.struck) / 2; size > 0; size /= 2 {
		for from := 0; from < len(r.struck); from += size {
			s := c
			s.spared = map[int]bool{}
			for n := range c.spared {
				s.spared[n] = true
			}
			for _, n := range r.struck[from:min(from+size, len(r.struck))] {
				s.spared[n] = true
			}
			out = append(out, s)
		}
	}
	return out
}
