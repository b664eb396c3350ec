package memdepot

import (
	"context"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/depot"
)

// deliveryMax bounds the records of one delivery, so that a long log arrives in
// pieces, as it does from a broker.
const deliveryMax = 256

// reader reads partitions by direct assignment. The log's lock guards it.
type reader struct {
	log      *Log
	closed   bool
	assigned []*assignment // in the order of Assign, which is that of delivery
}

type assignment struct {
	position depot.Position // of the next record
	paused   bool
}

// Assign starts reading. A position outside the log is a fault that Poll
// delivers; a partition that does not exist is an error, and then nothing is
// assigned. A partition that was assigned before moves to its new position.
func (r *reader) Assign(positions ...depot.Position) error {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	if err := r.usable(); err != nil {
		return err
	}
	for _, p := range positions {
		if _, _, err := r.log.find(p.Topic, p.Partition); err != nil {
			return err
		}
	}
	for _, p := range positions {
		r.remove(p.Topic, p.Partition)
		r.assigned = append(r.assigned, &assignment{position: p})
	}
	r.log.wake()
	return nil
}

// Unassign stops reading a partition; its pause is forgotten.
func (r *reader) Unassign(topic string, partition int32) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.remove(topic, partition)
}

func (r *reader) remove(topic string, partition int32) {
	r.assigned = slices.DeleteFunc(r.assigned, func(a *assignment) bool { return a.at(topic, partition) })
}

func (a *assignment) at(topic string, partition int32) bool {
	return a.position.Topic == topic && a.position.Partition == partition
}

// Pause stops the delivery of a partition at once, of its faults too.
func (r *reader) Pause(topic string, partition int32) { r.pause(topic, partition, true) }

// Resume ends a pause.
func (r *reader) Resume(topic string, partition int32) { r.pause(topic, partition, false) }

func (r *reader) pause(topic string, partition int32, paused bool) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	for _, a := range r.assigned {
		if a.at(topic, partition) {
			a.paused = paused
		}
	}
	r.log.wake()
}

// Poll delivers what is there in the order of assignment, or waits for something.
// It looks before it waits: with a context that has ended it delivers what is
// there, and fails only if there is nothing. The log is not locked during deliver.
func (r *reader) Poll(ctx context.Context, recordsMax int, deliver func(depot.Delivery)) error {
	for {
		ready, changed, err := r.take(recordsMax)
		if err != nil {
			return err
		}
		for _, d := range ready {
			if d.Fault != nil || r.still(d.assignment) {
				deliver(d.Delivery)
			}
		}
		if len(ready) > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// taken is a delivery and the assignment that it belongs to.
type taken struct {
	depot.Delivery
	*assignment
}

// take moves every partition that has something to say behind what it says.
func (r *reader) take(recordsMax int) ([]taken, <-chan struct{}, error) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	if err := r.usable(); err != nil {
		return nil, nil, err
	}
	var ready []taken
	left := recordsMax
	for _, a := range slices.Clone(r.assigned) {
		if a.paused {
			continue
		}
		d := taken{depot.Delivery{Topic: a.position.Topic, Partition: a.position.Partition}, a}
		if recordsMax > 0 && left == 0 {
			break
		}
		d.Records, d.Fault = r.log.read(&a.position)
		if recordsMax > 0 && len(d.Records) > left {
			d.Records = d.Records[:left]
			last := d.Records[left-1]
			a.position.Offset, a.position.LeaderEpoch = last.Offset+1, last.LeaderEpoch
		}
		left -= len(d.Records)
		if d.Fault != nil {
			r.remove(d.Topic, d.Partition)
		}
		if d.Fault != nil || len(d.Records) > 0 {
			ready = append(ready, d)
		}
	}
	if len(ready) > 0 {
		return ready, nil, nil
	}
	return nil, r.log.change(), nil
}

// read takes the next records at a position and moves it behind them.
func (l *Log) read(at *depot.Position) ([]depot.Record, error) {
	t, p, err := l.find(at.Topic, at.Partition)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", depot.ErrRecreated, err)
	}
	if at.TopicID != ([16]byte{}) && at.TopicID != t.id {
		return nil, fmt.Errorf("%w: topic %s had the id %x and has %x: its positions mean other records now", depot.ErrRecreated, at.Topic, at.TopicID, t.id)
	}
	if err := p.check(*at); err != nil {
		return nil, err
	}
	at.Reached = 0 // which is looked at once, when reading starts
	records := p.from(at.Offset, deliveryMax)
	if n := len(records); n > 0 {
		at.Offset, at.LeaderEpoch = records[n-1].Offset+1, records[n-1].LeaderEpoch
	}
	return records, nil
}

// still reports whether an assignment was not ended by an earlier deliver.
func (r *reader) still(a *assignment) bool {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	return slices.Contains(r.assigned, a)
}

func (r *reader) usable() error {
	if r.closed || r.log.closed {
		return fmt.Errorf("the reader in memory is %w", ErrClosed)
	}
	return nil
}

// Close ends the reader and wakes its Poll. Closing again does nothing.
func (r *reader) Close() error {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.closed, r.assigned = true, nil
	r.log.wake()
	return nil
}
