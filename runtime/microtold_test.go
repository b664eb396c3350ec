package runtime_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime"
)

// What is told of a record of a microbatch that fails, is tried again and is put aside names the
// record and its trace each time.
func TestMicrobatchesNameTheirRecords(t *testing.T) {
	t.Parallel()
	const parent = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
	m := newBatches()
	m.do["fails"], m.do["below"] = fails, parks
	w := newTown(t, m, 2, runtime.Options{})
	c := w.tasks[1]
	c.traced(0, parent, node{At: 1, Name: "fails", Below: nil})
	w.later()
	if len(c.failed) != 3 || len(c.retried) != 2 || len(c.putAside) != 1 {
		t.Fatalf("failed are %+v, tried again %+v, put aside %+v; want 3, 2 and 1", c.failed, c.retried, c.putAside)
	}
	for n, i := range append(append(append([]runtime.RecordInfo{}, c.failed...), c.retried...), c.putAside...) {
		if i.Depot != "roots" || i.Source != "roots" || i.Partition != 1 || i.Offset != 0 || i.Microbatch != 1 || i.Trace == nil || i.Trace.Parent != parent {
			t.Errorf("told is %+v with trace %+v", i, i.Trace)
		}
		if attempt := []int{1, 2, 3, 2, 3, 4}[n]; i.Attempt != attempt {
			t.Errorf("attempt %d, want %d", i.Attempt, attempt)
		}
	}
	if took := c.retried[0].Took; took <= 0 || took > time.Minute {
		t.Errorf("the pause took %v", took)
	}

	// An event that is put aside on another task than its record's.
	c.traced(1, parent, node{At: 1, Name: "root", Below: []node{leaf(0, "below")}})
	w.later()
	if there := w.tasks[0].putAside; len(there) != 1 || there[0].Depot != "roots" || there[0].Partition != 1 || there[0].Offset != 1 || there[0].Trace == nil || there[0].Trace.Parent != parent {
		t.Errorf("put aside are %+v", there)
	}
}

// traced hands over a record with a trace context.
func (c *citizen) traced(offset int64, parent string, root node) {
	raw, err := json.Marshal(root)
	if err != nil {
		c.town.t.Fatal(err)
	}
	headers := []depot.Header{{Key: runtime.TraceParentHeader, Value: []byte(parent)}}
	c.step(&runtime.Records{Depot: "roots", Generation: c.generation, Records: []depot.Record{
		{Partition: int32(c.id), Offset: offset, Time: time.UnixMilli(1_700_000_000_000), Value: raw, Headers: headers},
	}})
}
