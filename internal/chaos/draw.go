package chaos

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/coppice-run/coppice/internal/faultproxy"
)

// Config says what [Draw] draws from.
type Config struct {
	// Seed gives the same plan each time, for one configuration.
	Seed uint64
	// Duration is how long the run takes, 10 s or longer.
	Duration time.Duration
	// Workers is how many worker processes there are. Default 3.
	Workers int
	// SessionTimeout is that of the workers with Kafka: pauses are longer by 1 to 4 s. Default 6 s.
	SessionTimeout time.Duration
	// Kinds are the kinds wanted. None are all.
	Kinds []Kind
	// KillEvery has a worker killed each so often, beside the other faults: one that is
	// there, of 2 or more. Workers then have no other faults. 0: as they are drawn.
	KillEvery time.Duration
}

const (
	durationMin = 10 * time.Second
	// gapMin and gapMax bound the time from the beginning of a fault to that of the next.
	gapMin, gapMax = 500 * time.Millisecond, 3500 * time.Millisecond
	// rest is how long a victim is left in peace after a fault.
	rest = time.Second
	// tick is the smallest difference between the times of a plan.
	tick = 100 * time.Millisecond
	// cutBytesMax bounds after how many bytes a connection is cut: some batches and replies.
	cutBytesMax = 20_000
)

// Draw makes a plan.
func Draw(config Config) (Plan, error) {
	if config.Workers == 0 {
		config.Workers = 3
	}
	if config.SessionTimeout == 0 {
		config.SessionTimeout = 6 * time.Second
	}
	if len(config.Kinds) == 0 {
		config.Kinds = Kinds()
	}
	if err := config.check(); err != nil {
		return Plan{}, err
	}
	d := &draw{Config: config, random: rand.New(rand.NewPCG(config.Seed, 0))}
	return d.plan(), nil
}

// killed is how long a worker is away that is killed by the clock, from when to when.
const killedMin, killedMax = 200 * time.Millisecond, time.Second

func (c Config) check() error {
	if c.Duration < durationMin {
		return fmt.Errorf("chaos: a plan of %v: want %v or longer", c.Duration, durationMin)
	}
	if c.Workers < 1 || c.SessionTimeout < 0 {
		return fmt.Errorf("chaos: %d workers with a session of %v: want 1 or more, and a positive time", c.Workers, c.SessionTimeout)
	}
	for _, kind := range c.Kinds {
		if !slices.Contains(Kinds(), kind) {
			var names []string
			for _, known := range Kinds() {
				names = append(names, string(known))
			}
			return fmt.Errorf("chaos: unknown kind %q: want one of %s", kind, strings.Join(names, ", "))
		}
	}
	if c.KillEvery != 0 && (c.KillEvery < killEveryMin || c.Workers < 2) {
		return fmt.Errorf("chaos: one of %d workers killed each %v: want 2 workers or more, and %v or longer", c.Workers, c.KillEvery, killEveryMin)
	}
	return nil
}

// killEveryMin lets a worker that was killed come back before the turn is its own again.
const killEveryMin = time.Second

// draw is one Draw at work.
type draw struct {
	Config
	random *rand.Rand
	faults []Fault
	bag    []Kind // those that have to come before any comes again
}

func (d *draw) plan() Plan {
	if d.KillEvery > 0 {
		d.Kinds = slices.DeleteFunc(slices.Clone(d.Kinds), func(k Kind) bool { return traits[k].hits == worker })
	}
	if len(d.Kinds) > 0 {
		d.placeAll()
	}
	if d.KillEvery > 0 {
		d.kill()
	}
	fillers := slices.DeleteFunc(slices.Clone(d.Kinds), func(k Kind) bool { return !traits[k].cuts })
	return Plan{Seed: d.Seed, Duration: d.Duration, Workers: d.Workers, Faults: d.faults, Fillers: fillers}
}

// kill adds the workers that are killed by the clock: each time another one, so that it
// has come back when its turn comes again.
func (d *draw) kill() {
	last := d.random.IntN(d.Workers)
	for at := d.KillEvery; ; at += d.KillEvery {
		f := Fault{Kind: WorkerKill, Target: (last + 1 + d.random.IntN(d.Workers-1)) % d.Workers, At: at, Lasts: d.between(killedMin, min(killedMax, d.KillEvery/2))}
		if f.mended() > d.Duration {
			break
		}
		d.faults = append(d.faults, f)
		last = f.Target
	}
	slices.SortStableFunc(d.faults, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	for i := range d.faults {
		d.faults[i].Number = i + 1
	}
}

func (d *draw) placeAll() {
	for at := d.between(gapMin, gapMax); at < d.Duration; {
		if d.place(at) {
			at += d.between(gapMin, gapMax)
		} else {
			at += tick
		}
	}
}

// place adds a fault that may begin now: of a kind that is in the bag, else of any.
func (d *draw) place(at time.Duration) bool {
	if len(d.bag) == 0 {
		d.bag = d.shuffled()
	}
	if d.placeOneOf(d.bag, at) {
		placed := d.faults[len(d.faults)-1].Kind
		i := slices.Index(d.bag, placed)
		d.bag = slices.Delete(d.bag, i, i+1)
		return true
	}
	return d.placeOneOf(d.shuffled(), at)
}

func (d *draw) shuffled() []Kind {
	kinds := slices.Clone(d.Kinds)
	d.random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	return kinds
}

func (d *draw) placeOneOf(kinds []Kind, at time.Duration) bool {
	underWay := d.underWay(at)
	for _, kind := range kinds {
		fault := d.fault(kind, at)
		if fault.mended() <= d.Duration && together(underWay, fault, d.Workers) {
			d.faults = append(d.faults, fault)
			return true
		}
	}
	return false
}

// underWay are the faults that are not mended at a time, or that are and whose victims rest.
func (d *draw) underWay(at time.Duration) []Fault {
	var faults []Fault
	for _, f := range d.faults {
		if at < f.mended()+rest {
			faults = append(faults, f)
		}
	}
	return faults
}

// fault draws the particulars of a fault.
func (d *draw) fault(kind Kind, at time.Duration) Fault {
	trait := traits[kind]
	f := Fault{Number: len(d.faults) + 1, Kind: kind, Target: Everyone, At: at, Lasts: d.between(trait.from, trait.until)}
	switch kind {
	case WorkerKill, WorkerPause:
		f.Target = d.random.IntN(d.Workers)
	case RedisCut, RedisStall, RedisPromote:
		if d.random.IntN(2) == 0 {
			f.Target = d.random.IntN(d.Workers)
		}
	}
	switch kind {
	case WorkerPause:
		f.Lasts += d.SessionTimeout
	case RedisPromote, RedisTail:
		f.Turn = d.between(f.Lasts/4, f.Lasts)
	case RedisStall, KafkaStall:
		f.Direction = faultproxy.Direction(1 + d.random.IntN(3))
	case RedisCut, KafkaCut:
		f.Ending = faultproxy.Ending(d.random.IntN(2))
		if d.random.IntN(2) == 0 {
			f.Direction = faultproxy.Direction(1 + d.random.IntN(2))
			f.Bytes = 1 + d.random.Int64N(cutBytesMax)
		}
	}
	return f
}

// between draws a time from a range, both ends included, as a multiple of tick.
func (d *draw) between(from, until time.Duration) time.Duration {
	low, high := (from+tick-1)/tick, until/tick
	return tick * (low + time.Duration(d.random.Int64N(int64(high-low)+1)))
}
