package client

import (
	"context"
	"errors"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// fields is a store of one table.
type fields struct {
	store.Store
	all map[string]string
}

func (f fields) Read(_ context.Context, _ store.Slot, reads []store.Read) (task.Head, error) {
	for i := range reads {
		if reads[i].Kind != store.Get {
			return task.Head{}, errors.New("want one field")
		}
		reads[i].Value, reads[i].Found = f.all[reads[i].Field]
	}
	return task.Head{}, nil
}

// A parked record is found beside others that do not parse.
func TestFindParkedReadsThatRecordAlone(t *testing.T) {
	t.Parallel()
	c := &Client{modules: map[string]*bound{"m": {name: "m", tasks: 2, plan: &module.Plan{Module: "m"}, slots: make([]store.Slot, 2)}}}
	c.config.Store = fields{all: map[string]string{
		wire.ParkedField("t", "s", 6, "", ""):        "no JSON",
		wire.ParkedField("t", "s", 7, "", ""):        `{"v":1,"topology":"t","source":"s","partition":1,"offset":7,"value":"x"}`,
		wire.ParkedField("t", "s", 7, "step", "1.2"): `{"v":1,"topology":"t","source":"s","partition":1,"offset":7,"step":"step","event":"1.2","value":"y"}`,
	}}
	whole := ParkedRef{Module: "m", Topology: "t", Source: "s", Partition: 1, Offset: 7}
	event := whole
	event.Step, event.Event = "step", "1.2"
	for ref, want := range map[ParkedRef]string{whole: "x", event: "y"} {
		if p, err := c.FindParked(t.Context(), ref); err != nil || p.ParkedRef != ref || string(p.Value) != want {
			t.Errorf("%v: %+v, %v", ref, p, err)
		}
	}
	elsewhere, none, broken := whole, whole, whole
	elsewhere.Partition, none.Offset, broken.Offset = 3, 8, 6
	for _, ref := range []ParkedRef{elsewhere, none} {
		if _, err := c.FindParked(t.Context(), ref); !errors.Is(err, ErrNotParked) {
			t.Errorf("%v: %v", ref, err)
		}
	}
	if _, err := c.FindParked(t.Context(), broken); err == nil || errors.Is(err, ErrNotParked) {
		t.Errorf("of one that does not parse: %v", err)
	}
}
