package faultproxy

import (
	"slices"
	"sync"
	"time"
)

// Direction is where bytes go. Directions can be joined by |.
type Direction uint8

const (
	ToServer Direction = 1 << iota // what clients send
	ToClient                       // what the server sends
	Both     = ToServer | ToClient
)

// lanes are the indexes of the directions that d holds.
func (d Direction) lanes() []int {
	var lanes []int
	for i := range laneCount {
		if d&(1<<i) != 0 {
			lanes = append(lanes, i)
		}
	}
	return lanes
}

func (d Direction) String() string {
	switch d {
	case ToServer:
		return "to server"
	case ToClient:
		return "to client"
	case Both:
		return "both"
	}
	return "no direction"
}

// Ending is how both sides of a connection learn of its end.
type Ending uint8

const (
	// Reset is an RST: reads fail with ECONNRESET.
	Reset Ending = iota
	// Finish is a FIN, as when a server closes: reads return io.EOF.
	Finish
)

func (e Ending) String() string {
	if e == Finish {
		return "finish"
	}
	return "reset"
}

// DelayMax is the longest delay: more is taken as this, so that a delay never is a stall in disguise.
const DelayMax = 10 * time.Second

// Cut ends all connections that exist now, stalled ones too, and returns how
// many. Bytes that the proxy holds back are dropped. New connections are served.
func (p *Proxy) Cut(ending Ending) int {
	p.mu.Lock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.counts.Cut += int64(len(links))
	p.mu.Unlock()
	for _, l := range links {
		l.end(ending)
	}
	return len(links)
}

// Stall stops the bytes in a direction, and ends that come behind them, without
// closing anything. What is sent after Stall has returned does not arrive
// before release; up to about 2 MiB per connection are held, and then senders
// wait. Stalls of several callers add up: bytes flow when all are released.
// Release may be called more than once.
func (p *Proxy) Stall(direction Direction) (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range direction.lanes() {
		gate := &p.gates[i]
		if gate.holds == 0 {
			gate.opened = make(chan struct{})
		}
		gate.holds++
	}
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, i := range direction.lanes() {
			gate := &p.gates[i]
			if gate.holds--; gate.holds == 0 {
				close(gate.opened)
			}
		}
	})
}

// StallFor is Stall that releases itself after a duration, if nobody does earlier.
func (p *Proxy) StallFor(direction Direction, duration time.Duration) (release func()) {
	end := p.Stall(direction)
	timer := time.AfterFunc(duration, end)
	return func() {
		timer.Stop()
		end()
	}
}

// gate lets the bytes of a direction pass unless somebody holds it. It is guarded by Proxy.mu.
type gate struct {
	holds  int
	opened chan struct{} // closed when the last hold is released; nil before the first
}

// Delay has bytes arrive a while after they were sent: a latency, not a
// bandwidth, so bytes that follow each other closely arrive closely. Of several
// delays of one direction the longest holds, and none is longer than
// [DelayMax]. Bytes under way when a delay is released keep theirs.
func (p *Proxy) Delay(direction Direction, latency time.Duration) (release func()) {
	held := &delay{direction, min(latency, DelayMax)}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delays = append(p.delays, held)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.delays = slices.DeleteFunc(p.delays, func(d *delay) bool { return d == held })
	}
}

type delay struct {
	direction Direction
	latency   time.Duration
}

// due is when a byte that was read now is to be passed on.
func (p *Proxy) due(direction Direction) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	var longest time.Duration
	for _, d := range p.delays {
		if d.direction&direction != 0 {
			longest = max(longest, d.latency)
		}
	}
	return time.Now().Add(longest)
}

// CutAfter lets bytes further bytes of a direction pass, counted over all
// connections together, and then ends the connection that carried the last of
// them: in the middle of a message, wherever that is. With 0 bytes the next
// connection that sends is ended before a byte of it passes. After the cut
// tripped is closed, and the fault is over. The receiver sees exactly these
// bytes with Finish, and no more than these with Reset. Release takes the fault
// back if it has not tripped.
func (p *Proxy) CutAfter(direction Direction, bytes int64, ending Ending) (tripped <-chan struct{}, release func()) {
	t := &trip{direction: direction, left: max(bytes, 0), ending: ending, tripped: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trips = append(p.trips, t)
	return t.tripped, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.trips = slices.DeleteFunc(p.trips, func(other *trip) bool { return other == t })
	}
}

// trip is a CutAfter that waits for its last byte.
type trip struct {
	direction Direction
	left      int64
	ending    Ending
	tripped   chan struct{}
}

// spend says how many of size bytes may pass, and the trip that they end at, if any.
func (p *Proxy) spend(direction Direction, size int) (pass int, hit *trip) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.trips) == 0 {
		return size, nil
	}
	pass = size
	for _, t := range p.trips {
		if t.direction&direction != 0 && t.left <= int64(pass) {
			pass, hit = int(t.left), t
		}
	}
	for _, t := range p.trips {
		if t.direction&direction != 0 {
			t.left -= int64(pass)
		}
	}
	if hit != nil {
		p.trips = slices.DeleteFunc(p.trips, func(t *trip) bool { return t == hit })
		p.counts.Cut++
	}
	return pass, hit
}

// Refuse answers new connections with an RST as soon as they are made, until
// release; those that exist go on. A client sees ECONNRESET, from its dial or from
// its first read or write, where a server that is away gives ECONNREFUSED: the
// port stays ours, so that nobody else can take it.
// Release may be called more than once.
func (p *Proxy) Refuse() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusals++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.refusals--
	})
}
