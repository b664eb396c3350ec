package virtual

import (
	"net"
	"sync"
	"time"
)

// wire is one connection of a line: what its party writes is carried to the server
// and what the server writes is carried back, each way with the room of a socket.
type wire struct {
	line       *line
	far, under net.Conn // the line's end towards the party, and its end towards the server

	once sync.Once
	over chan struct{} // closed when the party's end is

	mu      sync.Mutex
	back    []byte // replies on their way
	left    int    // bytes of replies that still come through; -1: all
	late    bool   // over for its party, with bytes still on their way
	given   bool   // the party has closed it
	until   time.Time
	arrived chan struct{}
}

// grace is how long the server's end of a broken connection stays open behind its
// last bytes. Time moves on only when nobody has anything to do: the server has
// carried out by then whatever arrived.
const grace = time.Microsecond

func (w *wire) run() {
	go w.up()
	go w.down()
	go w.deliver()
}

// up carries what the party writes.
func (w *wire) up() {
	chunk := make([]byte, 64<<10)
	for {
		n, err := w.far.Read(chunk)
		if err != nil {
			w.end()
			return
		}
		if !w.carry(chunk[:n]) {
			return
		}
	}
}

// carry brings one write to the server, or does to it what the plan says. It
// returns false when the connection is over.
func (w *wire) carry(p []byte) bool {
	d := w.line.draw(p)
	switch d.fault {
	case lostRequest:
		w.end()
		return false
	case tornRequest:
		_, _ = w.under.Write(p[:d.part])
		w.end()
		return false
	case lateRequest:
		w.setLate()
		w.end()
		<-time.After(d.pause)
	case lostReply:
		w.allow(0)
	case tornReply:
		w.allow(d.part)
	case stall:
		w.hold(d.pause)
	}
	if pause := w.line.thaw(); pause > 0 {
		<-time.After(pause)
	}
	w.arrive(p)
	_, err := w.under.Write(p)
	switch d.fault {
	case lateRequest, lostReply:
		<-time.After(grace)
		w.end()
		_ = w.under.Close()
		return false
	}
	return err == nil
}

// arrive notes a commit that arrives when nobody waits for it any more.
func (w *wire) arrive(p []byte) {
	w.mu.Lock()
	over := w.late || w.given
	w.mu.Unlock()
	if over && holdsCommit(p) {
		w.line.mu.Lock()
		w.line.late++
		w.line.mu.Unlock()
	}
}

func (w *wire) setLate() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.late = true
}

// allow lets so many more bytes of replies through, and then ends the connection.
func (w *wire) allow(bytes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left = bytes
}

// hold keeps replies back for a time.
func (w *wire) hold(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = time.Now().Add(d)
}

// down takes in what the server writes, at once: a server never waits for a party
// to read.
func (w *wire) down() {
	chunk := make([]byte, 64<<10)
	for {
		n, err := w.under.Read(chunk)
		if err != nil {
			w.finish()
			return
		}
		w.mu.Lock()
		w.back = append(w.back, chunk[:n]...)
		w.mu.Unlock()
		select {
		case w.arrived <- struct{}{}:
		default:
		}
	}
}

// finish ends the connection behind the server's last bytes.
func (w *wire) finish() {
	w.mu.Lock()
	empty := len(w.back) == 0
	w.mu.Unlock()
	if !empty {
		<-time.After(grace)
	}
	w.end()
}

// deliver hands the party what has come, after the line's latency and stalls.
func (w *wire) deliver() {
	for {
		select {
		case <-w.over:
			return
		case <-w.arrived:
		}
		w.mu.Lock()
		pause := max(time.Until(w.until), 0)
		w.mu.Unlock()
		if !w.wait(pause + w.line.latency()) {
			return
		}
		p, last := w.taken()
		if _, err := w.far.Write(p); err != nil || last {
			<-time.After(grace)
			w.end()
			return
		}
	}
}

// taken are the bytes that the party gets, and whether they are the last.
func (w *wire) taken() (p []byte, last bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, w.back = w.back, nil
	if w.left < 0 {
		return p, false
	}
	if last = len(p) >= w.left; last {
		p = p[:w.left]
	}
	w.left -= len(p)
	return p, last
}

// wait lets time pass; false if the connection is over first.
func (w *wire) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.over:
		return false
	}
}

// end ends the connection: at once for the party, and for the server unless bytes
// are still to arrive there.
func (w *wire) end() {
	w.once.Do(func() {
		close(w.over)
		_ = w.far.Close()
		w.line.forget(w)
	})
	w.mu.Lock()
	late := w.late
	w.mu.Unlock()
	if !late {
		_ = w.under.Close()
	}
}

// partyEnd is the end that a party has.
type partyEnd struct {
	net.Conn
	wire *wire
}

// Close ends the connection; what the party has written is on its way all the same.
func (e *partyEnd) Close() error {
	e.wire.mu.Lock()
	e.wire.given = true
	e.wire.mu.Unlock()
	return e.Conn.Close()
}
