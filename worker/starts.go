package worker

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// Where a source begins is found out once and noted in the module's meta topic
// before anything is written to the slot (R22, promise 3.73): a slot that loses
// its tail, or everything, begins there again and not at the log's present end.
// The topic also notes which tasks have had data: an empty slot of such a task
// halts it.

// startNote is what the meta topic says of one task, under start/<task>.
type startNote struct {
	Version int                    // 1
	Sources map[string]sourceStart // by topology/source
}

type sourceStart struct {
	Offset int64
	Topic  string // id of the topic that the offset belongs to, hexadecimal
}

func startKey(d *driver) string { return "start/" + strconv.Itoa(int(d.id)) }
func dataKey(d *driver) string  { return wire.DataNoteKey + strconv.Itoa(int(d.id)) }

// starter answers the tasks of one module that ask where their sources begin. It
// reads the notes once for all tasks that ask together.
type starter struct {
	w *Worker
	l *loaded

	mu      sync.Mutex
	asked   []startQuestion
	running bool
	noted   map[task.ID]bool // that the task has data
}

type startQuestion struct {
	d       *driver
	queries []runtime.StartQuery
}

// ask has a question answered by StartsDone.
func (s *starter) ask(d *driver, queries []runtime.StartQuery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, startQuestion{d, queries})
	if !s.running {
		s.running = true
		s.l.background.Go(s.run)
	}
}

func (s *starter) run() {
	for {
		pause(s.l.ctx, gatherPause)
		s.mu.Lock()
		asked := s.asked
		s.asked = nil
		if len(asked) == 0 {
			s.running = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		facts, err := s.w.config.Log.Meta(s.l.ctx, s.l.plan.Module)
		var group sync.WaitGroup
		for _, q := range asked {
			group.Go(func() {
				done := &runtime.StartsDone{Err: err}
				if err == nil {
					done = s.answer(q, facts)
				}
				q.d.send(done)
			})
		}
		group.Wait()
	}
}

// answer resolves the starts of one task, and notes those that are new.
func (s *starter) answer(q startQuestion, facts map[string][]byte) *runtime.StartsDone {
	done := &runtime.StartsDone{Starts: make([]runtime.Started, len(q.queries))}
	_, done.HadData = facts[dataKey(q.d)]
	note := startNote{Version: 1, Sources: map[string]sourceStart{}}
	if raw, ok := facts[startKey(q.d)]; ok {
		if err := json.Unmarshal(raw, &note); err != nil || note.Version != 1 {
			done.Err = fmt.Errorf("the note of where task %d begins does not decode (format version %d, this program reads 1): %w", q.d.id, note.Version, err)
			return done
		}
	}
	fresh := false
	for i, query := range q.queries {
		topic := s.l.topics[query.Depot]
		key := query.Topology + "/" + query.Source
		if have, ok := note.Sources[key]; ok {
			done.Starts[i].Offset = have.Offset
			if _, err := hex.Decode(done.Starts[i].Topic[:], []byte(have.Topic)); err != nil {
				done.Err = fmt.Errorf("the note of where task %d begins: topic id %q: %w", q.d.id, have.Topic, err)
				return done
			}
			continue
		}
		offset, err := s.begin(query, topic, q.d.id)
		if err != nil {
			done.Err = fmt.Errorf("depot %s partition %d: %w", query.Depot, s.l.partition(query.Depot, q.d.id), err)
			return done
		}
		done.Starts[i] = runtime.Started{Offset: offset, Topic: topic.ID}
		note.Sources[key] = sourceStart{offset, hex.EncodeToString(topic.ID[:])}
		fresh = true
	}
	if fresh {
		done.Err = s.put(startKey(q.d), note)
	}
	return done
}

func (s *starter) put(key string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return s.w.config.Log.PutMeta(s.l.ctx, s.l.plan.Module, key, raw)
}

// begin finds where a source begins that has never read: a source of ticks, now.
func (s *starter) begin(q runtime.StartQuery, topic depot.Topic, id task.ID) (int64, error) {
	if d, ok := s.l.plan.Depot(q.Depot); ok && d.PeriodMillis > 0 {
		return s.w.now().UnixMilli() + 1, nil
	}
	partition := s.l.partition(q.Depot, id)
	if s.l.grown(q, partition) {
		q.Start = module.Start{Kind: module.StartBeginning}
	}
	return s.find(topic, partition, q.Start)
}

// find resolves a start against the log as it is now (promises 3.67 to 3.71).
func (s *starter) find(topic depot.Topic, partition int32, start module.Start) (int64, error) {
	log := s.w.config.Log
	switch start.Kind {
	case module.StartAfter:
		return log.OffsetAfter(s.l.ctx, topic.Name, partition, start.After)
	case module.StartTimeAgo:
		return log.OffsetAfter(s.l.ctx, topic.Name, partition, s.w.now().Add(-start.Ago))
	}
	first, end, err := log.Bounds(s.l.ctx, topic.Name, partition)
	switch start.Kind {
	case module.StartBeginning:
		return first, err
	case module.StartRecordsAgo:
		return max(first, end-start.Records), err
	}
	return end, err
}

// dataNote is what the meta topic says of a task that has committed, under
// data/<task>.
type dataNote struct{ Version int }

// forget takes the note back that a task has data: somebody wants it built anew. A
// task that has halted begins again.
func (s *starter) forget(key string) {
	text, ok := strings.CutPrefix(key, wire.DataNoteKey)
	id, err := strconv.Atoi(text)
	if !ok || err != nil || id < 0 || id >= s.l.tasks {
		return
	}
	s.mu.Lock()
	delete(s.noted, task.ID(id))
	s.mu.Unlock()
	if d := s.l.drivers[id].Load(); d != nil && d.halted.Load() != nil {
		d.log.Info("the task is to be built anew; it begins again")
		d.send(&runtime.Nominated{})
	}
}

// took notes, once, that a task has data.
func (s *starter) took(d *driver) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.noted[d.id] {
		return
	}
	s.noted[d.id] = true
	s.l.background.Go(func() {
		if err := s.put(dataKey(d), dataNote{1}); err != nil && s.l.ctx.Err() == nil {
			d.log.Warn("could not note that the task has data; if its slot is ever lost as a whole, it is rebuilt without a word", "cause", err)
		}
	})
}
