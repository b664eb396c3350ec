package export

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	goruntime "runtime"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/telemetry"
	"github.com/coppice-run/coppice/worker"
)

// What one sampled record that does not hop costs in all, with its batch, on its way to a
// collector. A task runs a thousand others in between and comes back with other things in the
// processor's caches: so does this, and what that takes is not counted.
func BenchmarkSampledRecord(b *testing.B) {
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer sink.Close()
	out, err := Start(b.Context(), Config{OTLP: sink.URL})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = out.Stop(context.Background()) }()
	var w worker.Config
	out.Worker(&w)
	l := runtime.Tee(w.Listener, telemetry.NewTrees(telemetry.TreesConfig{}).Listener())
	client := redis.NewClient(&redis.Options{Addr: "none:1"})
	defer client.Close()
	var state redisstate.Config
	out.Redis(&state)
	if err := state.Instrument(client, false); err != nil {
		b.Fatal(err)
	}
	client.AddHook(nowhere{})
	commands := make([]redis.Cmder, 20)
	for i := range commands {
		commands[i] = redis.NewCmd(b.Context(), "HSET", "key", "field", "value")
	}
	own := runtime.TaskInfo{Module: "Words", Task: 3, Address: "worker:1"}
	others := make([]byte, 8<<20)
	offset := int64(0)
	var elsewhere time.Duration
	start := cpuTime(syscall.RUSAGE_SELF)
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	b.ReportAllocs()
	for b.Loop() {
		for offset++; !runtime.Sampled(own.Task, offset, 1000); offset++ {
		}
		before := cpuTime(thisThread)
		for i := range len(others) / 64 {
			others[i*64]++
		}
		elsewhere += cpuTime(thisThread) - before
		record := runtime.EventInfo{TaskInfo: own, Topology: "words", Step: "sentences", Source: "sentences", Depot: "sentences", Root: true, RootTask: 3, Attempt: 1, Offset: offset, Seed: acker.Root(1, offset)}
		record.Trace = l.EventBegin(record)
		record.Accesses.PointReads, record.Accesses.Elements, record.Accesses.Writes = 1, 1, 1
		l.EventKept(record)
		batch := runtime.BatchInfo{TaskInfo: own, Events: 1000, Fields: 1000, Commit: &store.Batch{}, Followed: []runtime.Followed{{
			Topology: "words", Step: "sentences", Source: "sentences", Depot: "sentences", Root: true, RootTask: 3, Attempt: 1, Offset: offset, Seed: record.Seed, Trace: record.Trace,
		}}}
		batch.Head.Token[0], batch.Head.Number = 1, uint64(offset)
		l.BatchSent(batch)
		pipe := client.Pipeline()
		ctx := w.CommitContext(b.Context(), own)
		for _, c := range commands {
			_ = pipe.Process(ctx, c)
		}
		_, _ = pipe.Exec(ctx)
		l.BatchCommitted(batch)
		l.TreeOver(runtime.RecordInfo{TaskInfo: own, Topology: "words", Source: "sentences", Depot: "sentences", Partition: 3, Attempt: 1, Offset: offset, Took: 20 * time.Millisecond, Alone: true})
	}
	b.ReportMetric(float64(cpuTime(syscall.RUSAGE_SELF)-start-elsewhere)/float64(b.N), "cpu-ns/op")
}

const thisThread = 1 // RUSAGE_THREAD of Linux

// cpuTime is what this process or thread has used.
func cpuTime(who int) time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(who, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
