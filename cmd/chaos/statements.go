package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/examples/bankmicrobatch"
)

// statements is the topic to which the bank writes what it has carried out.
const statements = "chaos.statements"

func (r *microRun) makeTopics(ctx context.Context, kafka string) error {
	c, err := kgo.NewClient(kgo.SeedBrokers(kafka))
	if err != nil {
		return err
	}
	defer c.Close()
	made, err := kadm.NewClient(c).CreateTopic(ctx, 4, 1, nil, statements)
	if err == nil {
		err = made.Err
	}
	if err != nil {
		return fmt.Errorf("making topic %s: %w", statements, err)
	}
	return nil
}

// checkTopics holds what readers with read_committed see against the transfers, behind check: each
// that was acked is there, each whose outcome is unknown if it is in the histories and not
// otherwise, and none twice. Where servers may have lost what they had answered, doubled ones are
// announced by the tasks (R31), and told here.
func (r *microRun) checkTopics(ctx context.Context, kafka string, kept bool, v *verdict) error {
	written, err := committed(ctx, kafka)
	if err != nil {
		return fmt.Errorf("reading topic %s: %w", statements, err)
	}
	r.compare(written, kept, v)
	return nil
}

// compare judges the topic by how often it has each operation.
func (r *microRun) compare(written map[string]int, kept bool, v *verdict) {
	all, twice := 0, 0
	for _, n := range written {
		all += n
		twice += n - 1
	}
	v.tell("statements %d, written twice %d", all, twice)
	for _, t := range r.orders {
		n := written[t.ID]
		switch {
		case t.outcome == acked && n == 0:
			v.lost = append(v.lost, fmt.Sprintf("transfer %s was acked, and topic %s does not have it", t.ID, statements))
		case t.outcome == absent && n > 0:
			v.strangely("transfer %s was said not to be appended, and topic %s has it", t.ID, statements)
		case t.there && n == 0:
			v.lost = append(v.lost, fmt.Sprintf("transfer %s is in the histories, and topic %s does not have it", t.ID, statements))
		case !t.there && n > 0:
			v.strangely("topic %s has transfer %s, which is in no history", statements, t.ID)
		}
		if n > 1 && kept {
			v.doubled = append(v.doubled, fmt.Sprintf("topic %s has transfer %s %d times", statements, t.ID, n))
		}
	}
}

// committed counts the operations of the topic by their ids, as far as they are committed.
func committed(ctx context.Context, kafka string) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	c, err := kgo.NewClient(kgo.SeedBrokers(kafka), kgo.ConsumeTopics(statements), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ends, err := kadm.NewClient(c).ListCommittedOffsets(ctx, statements)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, err
	}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	counts := map[string]int{}
	for len(left) > 0 {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return nil, err
		}
		for _, f := range fetches.Records() {
			if f.Offset+1 >= left[f.Partition] {
				delete(left, f.Partition)
			}
			if f.Attrs.IsControl() {
				continue
			}
			var o bankmicrobatch.Operation
			if err := json.Unmarshal(f.Value, &o); err != nil {
				return nil, err
			}
			counts[o.ID]++
		}
	}
	return counts, nil
}
