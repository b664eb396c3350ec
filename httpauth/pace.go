package httpauth

import (
	"sync"
	"time"
)

// pace bounds how often each client comes: each has a bucket that fills by perSecond, up
// to burst, and of which a request takes one.
type pace struct {
	perSecond, burst float64

	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time // when left was counted
}

// clientsMax bounds how many clients are remembered: who comes from many addresses fills
// no memory.
const clientsMax = 10_000

// take lets a request through, or says how long to wait.
func (p *pace) take(client string, now time.Time) (wait time.Duration) {
	if p.perSecond < 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	b, known := p.buckets[client]
	if !known {
		p.makeRoom(now)
		b = bucket{p.burst, now}
	}
	b.left = min(p.burst, b.left+max(0, now.Sub(b.at).Seconds())*p.perSecond)
	b.at = now
	if b.left < 1 {
		wait = time.Duration((1 - b.left) / p.perSecond * float64(time.Second))
	} else {
		b.left--
	}
	p.buckets[client] = b
	return wait
}

// makeRoom forgets clients whose buckets are full again, and where there are too many that
// are not, any of them: half of all, so that it is rarely done.
func (p *pace) makeRoom(now time.Time) {
	if p.buckets == nil {
		p.buckets = map[string]bucket{}
	}
	if len(p.buckets) < clientsMax {
		return
	}
	for client, b := range p.buckets {
		if b.left+now.Sub(b.at).Seconds()*p.perSecond >= p.burst {
			delete(p.buckets, client)
		}
	}
	for client := range p.buckets {
		if len(p.buckets) <= clientsMax/2 {
			return
		}
		delete(p.buckets, client)
	}
}
