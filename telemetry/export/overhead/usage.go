package main

import (
	"errors"
	"fmt"
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
	objects float64 // allocated
	bytes   float64
}

// used is what was taken so far.
func used() (u usage, err error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return u, fmt.Errorf("CPU time: %w", err)
	}
	heap := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(heap)
	return usage{nanos: float64(r.Utime.Nano() + r.Stime.Nano()), objects: float64(heap[0].Value.Uint64()), bytes: float64(heap[1].Value.Uint64())}, nil
}

// since is what was taken since an earlier moment.
func (u usage) since(before usage) usage {
	return usage{nanos: u.nanos - before.nanos, objects: u.objects - before.objects, bytes: u.bytes - before.bytes}
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
