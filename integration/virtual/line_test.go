package virtual

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// line is the way from one party to one server. It makes the connections, and
// breaks them by its plan.
type line struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu     sync.Mutex
	plan   plan
	random *rand.Rand
	down   bool
	wires  map[*wire]bool
	next   drawn         // of the next write that holds a commit
	frozen time.Time     // the server reads nothing until then
	late   int           // commits that arrived when their party had given up
	counts map[fault]int // of all writes
	onExec map[fault]int // of those that hold a commit
}

// plan says how often what happens on a line: each is a chance per write. The zero
// value is a perfect line.
type plan struct {
	faults map[fault]float64
	// latencyMax delays each chunk of a reply by up to so much.
	latencyMax time.Duration
	// stallMax is the longest stall, lateMax the longest delay of late bytes.
	stallMax, lateMax time.Duration
}

// fault is what can happen to the bytes of one write.
type fault string

const (
	lostRequest fault = "lost request" // the connection ends before they leave
	tornRequest fault = "torn request" // it ends when a part of them has left
	lostReply   fault = "lost reply"   // they arrive, the replies do not
	tornReply   fault = "torn reply"   // they arrive, a part of the replies does
	lateRequest fault = "late request" // the connection ends, and they arrive later
	stall       fault = "stall"        // they arrive, the replies come late
)

// kinds is the order in which chances are added up.
var kinds = []fault{lostRequest, tornRequest, lostReply, tornReply, lateRequest, stall}

// often is a plan in which each of these faults has the same chance.
func often(chance float64, faults ...fault) plan {
	p := plan{faults: map[fault]float64{}, latencyMax: time.Millisecond, stallMax: 4 * time.Second, lateMax: 3 * time.Second}
	for _, f := range faults {
		p.faults[f] = chance
	}
	return p
}

var errCut = errors.New("the line is cut")

func newLine(seed uint64, dial func(context.Context, string, string) (net.Conn, error)) *line {
	return &line{dial: dial, random: rand.New(rand.NewPCG(seed, 0x11e)), wires: map[*wire]bool{}, counts: map[fault]int{}, onExec: map[fault]int{}}
}

// Dial makes a connection; it is the Dialer of the adapters.
func (l *line) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l.isDown() {
		return nil, errCut
	}
	under, err := l.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	w := &wire{line: l, far: far, under: under, over: make(chan struct{}), arrived: make(chan struct{}, 1), left: -1}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		_ = under.Close()
		return nil, errCut
	}
	l.wires[w] = true
	w.run()
	return &partyEnd{near, w}, nil
}

func (l *line) isDown() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.down
}

// follow has the line break by a plan from now on.
func (l *line) follow(p plan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.plan = p
}

// cut ends all connections and lets none be made until mend.
func (l *line) cut() {
	l.mu.Lock()
	l.down = true
	var wires []*wire
	for w := range l.wires {
		wires = append(wires, w)
	}
	l.mu.Unlock()
	for _, w := range wires {
		w.end()
	}
}

func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

// breakNext has the next write that holds a commit meet a fault.
func (l *line) breakNext(d drawn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = d
}

// freeze has the server read nothing for a time, as one that is stopped: what is
// sent meanwhile arrives behind it, also of connections that are over by then.
func (l *line) freeze(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = time.Now().Add(d)
}

// thaw is how long the server still reads nothing.
func (l *line) thaw() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.frozen)
}

// lateCommits is how many commits arrived when their party had given up.
func (l *line) lateCommits() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.late
}

func (l *line) forget(w *wire) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.wires, w)
}

// happened is how often any of these faults did.
func (l *line) happened(faults ...fault) int { return l.sum(l.counts, faults) }

// toCommits is how often any of these faults happened to a write that holds a
// commit.
func (l *line) toCommits(faults ...fault) int { return l.sum(l.onExec, faults) }

func (l *line) sum(counts map[fault]int, faults []fault) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range faults {
		n += counts[f]
	}
	return n
}

// A commit holds EXEC; so does the probe of a new session, which asks for INFO too
// (R9).
var execBytes, probeBytes = []byte("\r\nEXEC\r\n"), []byte("\r\nreplication\r\n")

func holdsCommit(p []byte) bool {
	return bytes.Contains(p, execBytes) && !bytes.Contains(p, probeBytes)
}

// drawn is what the plan does to one write.
type drawn struct {
	fault fault
	part  int           // bytes of it, or of its replies, that a torn one lets through
	pause time.Duration // of a stall, or before late bytes arrive
}

// draw picks what happens to a write.
func (l *line) draw(p []byte) (d drawn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	commit := holdsCommit(p)
	if commit && l.next.fault != "" {
		d, l.next = l.next, drawn{}
		l.count(d.fault, commit)
		return d
	}
	chance := l.random.Float64()
	for _, f := range kinds {
		if chance -= l.plan.faults[f]; chance < 0 {
			d.fault = f
			l.count(f, commit)
			break
		}
	}
	switch d.fault {
	case tornRequest:
		d.part = l.random.IntN(len(p))
	case tornReply:
		d.part = 1 + l.random.IntN(64)
	case lateRequest:
		d.pause = l.upTo(l.plan.lateMax)
	case stall:
		d.pause = l.upTo(l.plan.stallMax)
	}
	return d
}

func (l *line) count(f fault, commit bool) {
	l.counts[f]++
	if commit {
		l.onExec[f]++
	}
}

func (l *line) upTo(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return time.Duration(l.random.Int64N(int64(most)))
}

func (l *line) latency() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.upTo(l.plan.latencyMax)
}
