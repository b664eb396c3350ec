package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	goruntime "runtime"
	"runtime/metrics"
	"runtime/pprof"
	"slices"
	"syscall"
)

// usage is what a round takes of this process, which hangs less than time on who else uses the
// machine. The collector that throws everything away is part of it.
type usage struct {
	seconds float64
	nanos   float64 // CPU time
	garbage float64 // of that the collector's, as the runtime estimates it, without what it did for want of other work
	objects float64 // allocated
	bytes   float64
}

// used is what was taken so far.
func used() (u usage, err error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return u, fmt.Errorf("CPU time: %w", err)
	}
	heap := []metrics.Sample{
		{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/allocs:bytes"},
		{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/gc/mark/idle:cpu-seconds"},
	}
	metrics.Read(heap)
	return usage{
		nanos: float64(r.Utime.Nano() + r.Stime.Nano()), garbage: (heap[2].Value.Float64() - heap[3].Value.Float64()) * 1e9,
		objects: float64(heap[0].Value.Uint64()), bytes: float64(heap[1].Value.Uint64()),
	}, nil
}

// since is what was taken since an earlier moment.
func (u usage) since(before usage) usage {
	return usage{nanos: u.nanos - before.nanos, garbage: u.garbage - before.garbage, objects: u.objects - before.objects, bytes: u.bytes - before.bytes}
}

// middle is the median of a figure of many rounds, with the least and the most.
func middle(rounds []usage, figure func(usage) float64) (median, least, most float64) {
	all := make([]float64, len(rounds))
	for i, u := range rounds {
		all[i] = figure(u)
	}
	slices.Sort(all)
	return all[len(all)/2], all[0], all[len(all)-1]
}

// report says what each subject takes of the process, beside the one without telemetry.
func (o *options) report(out io.Writer, subjects []subject, used [][]usage) {
	for _, f := range []struct {
		name   string
		figure func(usage) float64
	}{
		{"ns of CPU time", func(u usage) float64 { return u.nanos }},
		{"of these for garbage collection", func(u usage) float64 { return u.garbage }},
		{"objects", func(u usage) float64 { return u.objects }},
		{"bytes allocated", func(u usage) float64 { return u.bytes }},
	} {
		n := float64(o.records)
		without, least, most := middle(used[0], f.figure)
		fmt.Fprintf(out, "%s per record, medians: without %.2f [%.2f..%.2f]", f.name, without/n, least/n, most/n)
		for i, s := range subjects[1:] {
			with, least, most := middle(used[i+1], f.figure)
			fmt.Fprintf(out, "; %s %.2f [%.2f..%.2f] (%+.2f, %+.1f %%)", s.name, with/n, least/n, most/n, (with-without)/n, 100*(with/without-1))
		}
		fmt.Fprintln(out)
	}
}

// profile writes into a folder where the CPU time of a round goes, until stop is called, and what
// was allocated before and after it: go tool pprof -diff_base shows the difference.
func profile(folder, subject string) (stop func() error, err error) {
	goruntime.GC() // the profile of what is allocated is as old as the last collection
	if err := allocated(folder, subject+".allocs.before"); err != nil {
		return nil, err
	}
	file, err := os.Create(filepath.Join(folder, subject+".cpu"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		goruntime.GC()
		return errors.Join(file.Close(), allocated(folder, subject+".allocs"))
	}, nil
}

func allocated(folder, name string) error {
	file, err := os.Create(filepath.Join(folder, name))
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(file, 0), file.Close())
}
