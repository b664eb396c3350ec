package kafkadepot_test

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/coppice-run/coppice/depot"
)

// fetched notes which offsets of partition 0 brokers are asked for.
type fetched struct {
	mu      sync.Mutex
	offsets map[int64]int
}

func (f *fetched) note(broker *kfake.Cluster) {
	f.offsets = map[int64]int{}
	broker.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, topic := range request.(*kmsg.FetchRequest).Topics {
			for _, p := range topic.Partitions {
				if p.Partition == 0 {
					f.offsets[p.FetchOffset]++
				}
			}
		}
		return nil, nil, false
	})
}

// What was fetched of a partition before it is paused comes when it goes on, and is not
// fetched again.
func TestAPauseThrowsNothingAway(t *testing.T) {
	t.Parallel()
	broker, config := startBroker(t)
	log := openLog(t, config)
	topic, err := log.Ensure(t.Context(), depot.TopicSpec{Module: "M", Depot: "words", Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	const records, chunk = 12, 4
	appendTo := func(partition int32, value string) {
		t.Helper()
		done := make(chan error, 1)
		log.Append(t.Context(), topic.Name, partition, depot.Record{Value: []byte(value)}, depot.Replicated, func(_ int64, err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for i := range records {
		appendTo(0, strconv.Itoa(i))
	}
	var asked fetched
	asked.note(broker)
	reader, err := log.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	var got [2][]string
	poll := func(partition, until int) {
		t.Helper()
		for len(got[partition]) < until {
			err := reader.Poll(t.Context(), chunk, func(d depot.Delivery) {
				for _, r := range d.Records {
					got[d.Partition] = append(got[d.Partition], string(r.Value))
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := reader.Assign(depot.Position{Topic: topic.Name, Partition: 0, LeaderEpoch: -1}); err != nil {
		t.Fatal(err)
	}
	poll(0, chunk)
	reader.Pause(topic.Name, 0)
	if err := reader.Assign(depot.Position{Topic: topic.Name, Partition: 1, LeaderEpoch: -1}); err != nil {
		t.Fatal(err)
	}
	appendTo(1, "other")
	poll(1, 1)
	if len(got[0]) != chunk {
		t.Errorf("a paused partition gave %d records, want %d", len(got[0]), chunk)
	}
	reader.Resume(topic.Name, 0)
	poll(0, records)
	for i, v := range got[0] {
		if v != strconv.Itoa(i) {
			t.Fatalf("record %d is %s: %v", i, v, got[0])
		}
	}
	asked.mu.Lock()
	defer asked.mu.Unlock()
	for offset, times := range asked.offsets {
		if offset > 0 && offset < records {
			t.Errorf("records from offset %d on were fetched again, %d times", offset, times)
		}
	}
}

// A poll that waits because all partitions are paused goes on when one is resumed, and ends
// with its ctx.
func TestAPollWaitsWhileAllIsPaused(t *testing.T) {
	t.Parallel()
	_, config := startBroker(t)
	log := openLog(t, config)
	topic, err := log.Ensure(t.Context(), depot.TopicSpec{Module: "M", Depot: "words", Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := log.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	if err := reader.Assign(depot.Position{Topic: topic.Name, LeaderEpoch: -1}); err != nil {
		t.Fatal(err)
	}
	reader.Pause(topic.Name, 0)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := reader.Poll(ended, 0, func(depot.Delivery) { t.Error("a paused partition delivered") }); err == nil {
		t.Error("a poll whose ctx has ended returned no error")
	}
	came := make(chan string, 1)
	go func() {
		_ = reader.Poll(t.Context(), 0, func(d depot.Delivery) { came <- string(d.Records[0].Value) })
	}()
	done := make(chan error, 1)
	log.Append(t.Context(), topic.Name, 0, depot.Record{Value: []byte("a")}, depot.Replicated, func(_ int64, err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	reader.Resume(topic.Name, 0)
	if v := <-came; v != "a" {
		t.Errorf("%q came", v)
	}
}
