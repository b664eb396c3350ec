package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// promise 3.92, promise 3.93: every option is published with its default. The page is written from
// the code, and is current.
func TestReferenceIsCurrent(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", "docs", "reference", "options.md")
	want := Reference()
	if os.Getenv("COPPICE_UPDATE") != "" {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Error("docs/reference/options.md is not what the code says: COPPICE_UPDATE=1 go test ./internal/settings")
	}
}

// Every default is a value that its option takes.
func TestDefaultsAreValues(t *testing.T) {
	t.Parallel()
	for _, o := range All() {
		if err := o.Check(o.Default()); err != nil {
			t.Error(err)
		}
		if err := o.Check("no value at all"); err == nil {
			t.Errorf("%s takes anything", o.Name)
		}
	}
}

// What a worker is started with has the ranges of what is set, and all mistakes are told.
func TestCheckAll(t *testing.T) {
	t.Parallel()
	for _, o := range []runtime.Options{{}, runtime.Options{}.WithDefaults(), {TreeTimeout: time.Hour, Durability: store.Level{Fsynced: true, Replicas: 2}, LostTail: runtime.LostTailHalts, TreeBytesMax: 4096}} {
		if err := CheckAll(o); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for name, o := range map[string]runtime.Options{
		"max.executing.per.task": {MaxExecutingPerTask: -1}, "max.events.per.batch": {MaxEventsPerBatch: 1 << 40}, "stream.timeout.seconds": {TreeTimeout: -1},
		"retry.backoff.seconds": {RetryBackoff: time.Nanosecond}, "worker.queue.bytes.max": {QueueBytesMax: -1}, "store.memory.stop.percent": {StoreStopPercent: 101},
		"store.durability": {Durability: store.Replicated(-1)}, "lost.tail": {LostTail: 9}, "force.delay.millis": {ForceDelay: -1}, "tree.bytes.max": {TreeBytesMax: 1 << 62},
	} {
		if err := CheckAll(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%+v: %v, want one of %s", o, err, name)
		}
	}
	err := CheckAll(runtime.Options{MaxExecutingPerTask: -1, AwaitsMax: -1, ForceDelay: -1})
	if n := strings.Count(err.Error(), "option "); n != 3 {
		t.Errorf("%d mistakes are told, want 3: %v", n, err)
	}
}
