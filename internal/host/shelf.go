package host

import (
	"unsafe"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// shelf holds a frame for each task that something is sent to, and those that are full.
type shelf struct {
	byTask []*wire.Frame
	used   []task.ID // with a frame; some more than once, where one was full
	full   []*wire.Frame
	sizes  []int // by task: bytes of the events of its frame
	bytes  int   // of all events
	cuts   bool  // frames are full at some size
	pool   *Pool
}

// A frame holds so many events, or bytes of them, at most; a single event may be larger.
const (
	FrameEventsMax = 1000
	FrameBytesMax  = 1 << 20
)

const eventBytes = int(unsafe.Sizeof(wire.Event{}))

func (s *shelf) frame(to task.ID, steps int) *wire.Frame {
	f := s.byTask[to]
	if f == nil {
		f = s.pool.get(steps)
		f.To = to
		s.byTask[to] = f
		s.used = append(s.used, to)
	}
	return f
}

func (s *shelf) add(to task.ID, e wire.Event, steps, grew int) {
	f := s.frame(to, steps)
	f.Events = append(f.Events, e)
	s.bytes += grew
	s.sizes[to] += grew
	if s.cuts && (len(f.Events) >= FrameEventsMax || s.sizes[to] >= FrameBytesMax) {
		s.full = append(s.full, f)
		s.byTask[to], s.sizes[to] = nil, 0
	}
}

// takeBack takes back the last event to a task.
func (s *shelf) takeBack(to task.ID, step uint16) {
	f := s.newest(to)
	c := f.Columns[step]
	shrank := eventBytes + c.Bytes()
	f.Events = f.Events[:len(f.Events)-1]
	c.Truncate(c.Len() - 1)
	shrank -= c.Bytes()
	s.bytes -= shrank
	s.sizes[to] -= shrank
}

// newest is the frame with the last event to a task.
func (s *shelf) newest(to task.ID) *wire.Frame {
	current := s.byTask[to]
	if current != nil && len(current.Events) > 0 {
		return current
	}
	i := len(s.full) - 1
	for s.full[i].To != to {
		i--
	}
	f := s.full[i]
	s.full = append(s.full[:i], s.full[i+1:]...)
	if current != nil {
		f.Acks = append(f.Acks, current.Acks...)
		s.pool.Put(current)
	}
	s.byTask[to], s.sizes[to] = f, payloadBytes(f)
	return f
}

// payloadBytes is about how much memory a frame's events take.
func payloadBytes(f *wire.Frame) int {
	n := len(f.Events) * eventBytes
	for _, c := range f.Columns {
		if c != nil {
			n += c.Bytes()
		}
	}
	return n
}

// each takes every frame off the shelf, in the order of sending to each task.
func (s *shelf) each(f func(*wire.Frame)) {
	for _, full := range s.full {
		f(full)
	}
	clear(s.full)
	s.full = s.full[:0]
	for _, to := range s.used {
		if frame := s.byTask[to]; frame != nil {
			s.byTask[to] = nil
			f(frame)
		}
		s.sizes[to] = 0
	}
	s.used, s.bytes = s.used[:0], 0
}

// look visits the frames on the shelf and leaves them there.
func (s *shelf) look(f func(task.ID, *wire.Frame)) {
	for _, full := range s.full {
		f(full.To, full)
	}
	for to, frame := range s.byTask {
		if frame != nil {
			f(task.ID(to), frame)
		}
	}
}
