package runtime

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// keepAppends gives the numbered appends of a batch their numbers, and stores them
// with it.
func (t *Task) keepAppends(b *batch) {
	if !b.numbered {
		return
	}
	k := keeper{table: wire.AppendsTable(t.config.Tag), commit: task.Mark{Token: t.head.Token, Number: t.head.Number + 1}, batch: b}
	for i := range b.appends {
		if e := &b.appends[i]; e.numbered {
			if e.Topic != "" {
				k.keep(t.lineTo(wire.TopicsLine, 0), e)
			} else {
				k.keep(t.lineTo(e.Depot, e.Partition), e)
			}
		}
	}
	for i := range k.open {
		k.write(&k.open[i])
		l := k.open[i].line
		stored := wire.AppendLine{Line: l.name, Last: l.last}
		b.note(k.table, store.Write{Field: wire.AppendField(l.depot, l.partition, 0), Value: string(stored.AppendText(nil))})
	}
}

// keeper stores the numbered appends of one batch.
type keeper struct {
	table  store.Table
	commit task.Mark
	batch  *batch
	open   []openChunk // one of each line that is appended to
}

// openChunk is a chunk that grows.
type openChunk struct {
	line *line
	*chunk
	kept  wire.KeptAppends
	bytes int64
}

// keep gives an append its number and adds it to the chunk of its line.
func (k *keeper) keep(l *line, e *emission) {
	if l.keptIn != k.batch.seq {
		l.keptIn, l.keptAt = k.batch.seq, len(k.open)
		k.open = append(k.open, openChunk{line: l})
	}
	c := &k.open[l.keptAt]
	if c.chunk != nil && (len(c.kept.Appends) >= chunkAppendsMax || c.bytes >= chunkBytesMax) {
		k.write(c)
		*c = openChunk{line: l}
	}
	l.last++
	if c.chunk == nil {
		c.chunk = &chunk{field: wire.AppendField(l.depot, l.partition, l.last)}
		c.kept.Commit = k.commit
	}
	e.numbering.number, e.numbering.commit, e.numbering.line, e.numbering.chunk = l.last, k.commit, l, c.chunk
	c.last, c.bytes = l.last, c.bytes+bytesOfAppend(&e.Append)
	a := wire.KeptAppend{Record: e.Record}
	if e.Topic != "" {
		a.Topic, a.Spread = e.Topic, e.Seed
	}
	if e.tree.ID != 0 && !e.Unawaited {
		a.Root, a.Group, a.Event = e.root, e.tree.ID, acker.EventID(e.tree.ID, e.Seed)
		c.acks = append(c.acks, appendAck{a.Root, a.Group, a.Event})
	}
	c.kept.Appends = append(c.kept.Appends, a)
}

func (k *keeper) write(c *openChunk) {
	k.batch.note(k.table, store.Write{Field: c.field, Value: string(c.kept.Append(nil))})
}

// trims are the chunks that the log has and the slot still holds.
type trims struct {
	chunks []*chunk
	since  int64 // when the first came
}

// trim has a chunk removed with one of the next commits; soon, if records wait for
// its appends.
func (t *Task) trim(c *chunk) {
	s := &t.emissions.trims
	if len(s.chunks) == 0 {
		s.since = t.now
	}
	s.chunks = append(s.chunks, c)
	if len(c.acks) > 0 {
		t.touched()
	}
}

// trimsDue reports whether chunks are to be trimmed although no data is committed.
func (t *Task) trimsDue() bool {
	s := &t.emissions.trims
	return len(s.chunks) > 0 && (t.finishing || len(s.chunks) >= t.options.CheckpointThreshold || t.now >= s.since+int64(t.options.CheckpointPeriod))
}

// trimAppends removes from the slot what the log has, in a commit that happens
// anyway or is due. What the groups of the appends' records are told is in it, too.
func (t *Task) trimAppends(b *batch, due bool) {
	s := &t.emissions.trims
	if len(s.chunks) == 0 || !due && t.view.Dirty() == 0 && len(b.books) == 0 && !b.numbered {
		return
	}
	table := wire.AppendsTable(t.config.Tag)
	for _, c := range s.chunks {
		b.note(table, store.Write{Field: c.field, Delete: true})
		for _, a := range c.acks {
			t.ackAppend(&a)
		}
	}
	*s = trims{}
}

// ackAppend reports an append that the log has to the group of its record (R29), in
// the commit that trims it: so it is reported once.
func (t *Task) ackAppend(a *appendAck) {
	switch {
	case !t.exact: // left by a version with hops
	case a.root == t.config.Task:
		t.ackGroup(a.group, a.event, nil, true)
	default:
		t.hops.acks[a.root].add(a.group, a.event, nil)
	}
}

// loadAppends takes over the numbered appends that the slot holds: the log may have
// them or not.
func (t *Task) loadAppends(elements []store.Element) error {
	chunks := map[*line][]keptChunk{}
	for _, e := range elements {
		depot, partition, number, err := wire.ParseAppendField(e.Field)
		if err != nil {
			return fmt.Errorf("stored append: %w", err)
		}
		l := t.lineTo(depot, partition)
		if number == 0 {
			stored, err := wire.ParseAppendLine(e.Value)
			if err != nil {
				return fmt.Errorf("stored append %s: %w", e.Field, err)
			}
			l.name, l.last, l.known = stored.Line, stored.Last, stored.Last
			continue
		}
		kept, err := wire.ParseKeptAppends([]byte(e.Value))
		if err != nil {
			return fmt.Errorf("stored append %s: %w", e.Field, err)
		}
		if plan, ok := t.plan.Depot(depot); depot != wire.TopicsLine && (!ok || int(partition) >= plan.Partitions(t.config.Tasks)) {
			return fmt.Errorf("the slot holds appends to partition %d of depot %q, which the module does not have any more: run the version that has it until they are in its log", partition, depot)
		}
		chunks[l] = append(chunks[l], keptChunk{e.Field, number, kept})
	}
	slices.SortFunc(t.emissions.lines, func(a, b *line) int {
		return cmp.Or(cmp.Compare(a.depot, b.depot), cmp.Compare(a.partition, b.partition))
	})
	for _, l := range t.emissions.lines {
		if err := t.loadLine(l, chunks[l]); err != nil {
			return err
		}
	}
	return nil
}

// keptChunk is a chunk as it was read.
type keptChunk struct {
	field string
	first uint64
	wire.KeptAppends
}

// loadLine puts the chunks of a line together.
func (t *Task) loadLine(l *line, chunks []keptChunk) error {
	slices.SortFunc(chunks, func(a, b keptChunk) int { return cmp.Compare(a.first, b.first) })
	for i, k := range chunks {
		if i == 0 {
			l.known = k.first - 1
		}
		if k.first != l.known+uint64(len(l.waiting))+1 {
			return fmt.Errorf("stored append %s: it does not follow number %d", k.field, l.known+uint64(len(l.waiting)))
		}
		c := &chunk{field: k.field, last: k.first + uint64(len(k.Appends)) - 1}
		for j, a := range k.Appends {
			e := &emission{Append: host.Append{Depot: l.depot, Partition: l.partition, Record: a.Record, Unawaited: a.Group == 0}, numbered: true}
			if l.toTopics() {
				e.Depot, e.Topic, e.Partition, e.Seed = "", a.Topic, task.None, a.Spread
			}
			e.numbering = numbering{number: k.first + uint64(j), commit: k.Commit, line: l, chunk: c}
			if a.Group != 0 {
				c.acks = append(c.acks, appendAck{a.Root, a.Group, a.Event})
			}
			l.waiting = append(l.waiting, e)
			t.emissions.bytes += bytesOfAppend(&e.Append)
		}
	}
	if n := l.known + uint64(len(l.waiting)); n != l.last {
		return fmt.Errorf("stored appends to depot %s, partition %d: they end with number %d, and %d was given", l.depot, l.partition, n, l.last)
	}
	return nil
}
