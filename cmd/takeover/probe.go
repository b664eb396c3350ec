package main

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/internal/fleet"
)

// prober watches what stands still by itself, whatever the tasks do: the machine and
// Redis. A pause of a task that is no longer than these is not the hand-over's.
type prober struct {
	redis *redis.Client

	mu      sync.Mutex
	machine []lag
	pings   []lag
}

// lag is how much longer than it should something took.
type lag struct {
	at   int64 // when it ended
	took time.Duration
}

const probePeriod = 5 * time.Millisecond

func (p *prober) run(ctx context.Context) {
	for ctx.Err() == nil {
		begun := time.Now()
		fleet.Pause(ctx, probePeriod)
		woke := time.Now()
		if p.redis.Ping(ctx).Err() != nil {
			continue
		}
		p.mu.Lock()
		p.machine = append(p.machine, lag{woke.UnixNano(), woke.Sub(begun) - probePeriod})
		p.pings = append(p.pings, lag{time.Now().UnixNano(), time.Since(woke)})
		p.mu.Unlock()
	}
}

// longest are the longest lags since a time.
func (p *prober) longest(at int64) (machine, ping time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	most := func(lags []lag) (m time.Duration) {
		for _, l := range lags {
			if l.at >= at {
				m = max(m, l.took)
			}
		}
		return m
	}
	return most(p.machine), most(p.pings)
}
