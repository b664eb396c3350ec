package worker

import (
	"sync"
	"time"

	"github.com/coppice-run/coppice/runtime"
)

// spillLine carries out what a task asks of its disk, one thing after another. It has a
// goroutine only while there is something to do: most tasks never spill.
type spillLine struct {
	d *driver

	mu     sync.Mutex
	todo   []spillJob
	busy   bool // the goroutine runs, and has the file
	idle   sync.Cond
	closed bool

	file *spillFile
}

// spillJob is one thing to do; none of it: everything is forgotten.
type spillJob struct {
	write          *runtime.Spill
	read, unwanted uint64 // ids; they begin at 1
}

func newSpillLine(d *driver) *spillLine {
	l := &spillLine{d: d, file: newSpillFile(d.w.spills.name)}
	l.idle.L = &l.mu
	return l
}

// carryOut does what the effects say.
func (l *spillLine) carryOut(e *runtime.Effects) {
	if len(e.Spills)+len(e.Unspills)+len(e.Unwanted) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range e.Spills {
		l.todo = append(l.todo, spillJob{write: &s})
	}
	for _, id := range e.Unspills {
		l.todo = append(l.todo, spillJob{read: id})
	}
	for _, id := range e.Unwanted {
		l.todo = append(l.todo, spillJob{unwanted: id})
	}
	l.start()
}

// drop forgets everything that is kept; the engine has forgotten it.
func (l *spillLine) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.todo = nil
	if l.busy || len(l.file.entries) > 0 {
		l.todo = append(l.todo, spillJob{})
		l.start()
	}
}

// start has the goroutine run; locked.
func (l *spillLine) start() {
	if !l.busy && !l.closed {
		l.busy = true
		go l.run()
	}
}

func (l *spillLine) run() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.todo) > 0 {
		todo := l.todo
		l.todo = nil
		l.mu.Unlock()
		for _, j := range todo {
			l.do(j)
		}
		l.mu.Lock()
	}
	l.busy = false
	l.idle.Broadcast()
}

func (l *spillLine) do(j spillJob) {
	switch {
	case j.write != nil:
		in := &runtime.Spilled{ID: j.write.ID, Err: l.file.write(j.write.ID, j.write.Raw)}
		if in.Err != nil {
			in.Raw = j.write.Raw
		}
		l.d.send(in)
	case j.read != 0:
		in := &runtime.Unspilled{ID: j.read}
		in.Raw, in.Err = l.file.read(j.read)
		l.d.send(in)
	case j.unwanted != 0:
		l.file.forget(j.unwanted)
	default:
		l.file.empty()
	}
}

// close ends the line and removes its files.
func (l *spillLine) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed, l.todo = true, nil
	for l.busy {
		l.idle.Wait()
	}
	l.file.empty()
}

// toldSpill says, once a minute at most, that the task spills, and whenever it cannot.
func (d *driver) toldSpill(i runtime.SpillInfo) {
	switch now := time.Now(); {
	case i.Err != nil:
		d.log.Error("events that find no room in memory cannot be kept on disk; their records fail and are tried again", "events", i.Events, "bytes", i.Bytes, "folder", d.w.spills.parent, "cause", i.Err)
	case now.Sub(d.spillTold) > spillTellPeriod:
		d.spillTold = now
		d.log.Info("events that find no room in memory (topology.stream.tree.bytes.max) go to disk", "folder", d.w.spills.parent)
	}
}

const spillTellPeriod = time.Minute
