package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"runtime/metrics"
	"runtime/pprof"
	"syscall"
)

// usage is what runs take of this process, which hangs less than time on who else uses the
// machine.
type usage struct {
	seconds float64
	left    float64 // seconds for what waited to be sent to the collector then
	nanos   float64 // CPU time
	garbage float64 // of that the collector's of garbage, as the runtime estimates it, without what it did for want of other work
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

// plus is what two took together.
func (u usage) plus(v usage) usage {
	return usage{
		seconds: u.seconds + v.seconds, left: u.left + v.left, nanos: u.nanos + v.nanos, garbage: u.garbage + v.garbage,
		objects: u.objects + v.objects, bytes: u.bytes + v.bytes,
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
