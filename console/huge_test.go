package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/task"
)

// vast is a cluster whose records are large, fan out widely and fail in many ways.
type vast struct{ *fake }

const vastBytes = 3 << 20

func (vast) ReadDepot(_ context.Context, _, _ string, partition int, from, to int64) (all []depot.Record, err error) {
	for o := from; o < to; o++ {
		all = append(all, depot.Record{Partition: int32(partition), Offset: o, Value: append(bytes.Repeat([]byte("ä"), vastBytes/2), '"')})
	}
	return all, nil
}

func (c vast) Tree(context.Context, string, string, task.ID, int64) ([]eventtree.Tree, error) {
	t := c.trees()[0]
	for i := range 20_000 {
		e := eventtree.Event{Topology: "sell", Step: fmt.Sprintf("ship-%d", i), Source: "orders", ID: eventtree.ID(i + 10), Parent: 1, Attempt: 2, Task: 2, State: eventtree.Queued, Waits: "its turn"}
		if i == 19_000 {
			e.State, e.Waits = eventtree.Calling, "the bank to answer"
		}
		t.Events = append(t.Events, e)
	}
	return []eventtree.Tree{t}, nil
}

func (vast) Select(context.Context, client.Selection) iter.Seq2[client.SelectedPage, error] {
	return func(yield func(client.SelectedPage, error) bool) {
		long, _ := json.Marshal(strings.Repeat("k", vastBytes))
		yield(client.SelectedPage{Task: 1, Commit: "abcdef0123456789/12", Values: []json.RawMessage{long, []byte(`"tea"`)}}, nil)
	}
}

func (vast) Parked(context.Context, string) (all []client.ParkedRecord, err error) {
	for i := range 2000 {
		reason := fmt.Sprintf("order %d has no price%s", i, strings.Repeat("!", 2000))
		if i%2 == 0 {
			reason = "no shelf"
		}
		all = append(all, client.ParkedRecord{ParkedRef: client.ParkedRef{Module: "shop", Topology: "sell", Source: "orders", Offset: int64(i)}, Reason: reason, Attempts: 1})
	}
	all[0].Value = bytes.Repeat([]byte("x"), vastBytes)
	return all, nil
}

// Records of megabytes, trees of thousands of events and thousands of parked records give
// pages of a size that a browser likes, which say what is left out, and still name what holds
// a tree up.
func TestPagesOfMuchAreBounded(t *testing.T) {
	t.Parallel()
	f := newFake(3)
	h := newTestHandler(t, f)
	h.cluster = vast{f}
	for _, page := range []struct {
		address string
		max     int
		says    []string
	}{
		{"/m/shop/trees/orders/2/5", 1 << 20, []string{"the bank to answer", "ship-0", "are not shown", fmt.Sprintf("It has %s bytes", number(vastBytes+1))}},
		{"/m/shop/depots/orders?partition=1&from=20", 1 << 20, []string{"Records of partition 1"}},
		{"/m/shop/pstates/sold?path=keys", 1 << 20, []string{"kkk…", "path=key%28%22tea%22%29"}},
		{"/m/shop/parked", 1 << 20, []string{"no shelf", "951 more reasons", `>1` + "\u202f" + `000<`}},
		{"/m/shop/parked/one?topology=sell&source=orders&partition=0&offset=0", vastBytes + 1<<20, []string{"Save and retry"}},
	} {
		w := visit(t, h, http.MethodGet, page.address, nil)
		body := w.Body.String()
		if w.Code != http.StatusOK || len(body) > page.max {
			t.Errorf("%s: %d, of %d bytes, want %d at most", page.address, w.Code, len(body), page.max)
		}
		for _, want := range page.says {
			if !strings.Contains(body, want) {
				t.Errorf("%s does not say %q: %s", page.address, want, clip(body, 2000))
			}
		}
	}
}

// Of many events those that are under way are shown before those that only stand in line, and
// all in their order.
func TestFirstEvents(t *testing.T) {
	t.Parallel()
	all := make([]eventtree.Event, 100)
	for i := range all {
		all[i] = eventtree.Event{ID: eventtree.ID(i), State: eventtree.Queued}
	}
	all[90].State, all[95].Error = eventtree.Running, "no"
	var ids []eventtree.ID
	for _, e := range firstEvents(all, 6) {
		ids = append(ids, e.ID)
	}
	if got, want := fmt.Sprint(ids), fmt.Sprint([]eventtree.ID{0, 1, 2, 3, 90, 95}); got != want {
		t.Errorf("of 100 events there are %s, want %s", got, want)
	}
	if got := firstEvents(all, 100); len(got) != 100 {
		t.Errorf("of 100 events of 100 at most there are %d", len(got))
	}
}
