package chaos

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/coppice-run/coppice/internal/faultproxy"
)

// Plan is a timed list of faults.
type Plan struct {
	Seed     uint64
	Duration time.Duration // all faults are mended at its end
	Workers  int
	Faults   []Fault // by At
	// Fillers are cuts that a run begins of its own accord when no fault has begun for a
	// while, because those that were due wait for others to be mended.
	Fillers []Kind
}

// Everyone is the Target of a fault that spares nobody.
const Everyone = -1

// Fault is one thing that breaks and is mended again.
type Fault struct {
	Number int // its place in the plan, from 1
	Kind   Kind
	// Target is a worker, from 0, or Everyone. A cut or a stall of Redis hits the
	// connections of that worker alone. In a promotion only the target's
	// connections are cut when the replica becomes master: the others stay with
	// the old one, which goes on until the fault is mended.
	Target int
	At     time.Duration // since the start of the run
	// Turn is the time from the beginning of a promotion to the moment when the
	// replica becomes master, and from that of a lost tail to the moment when the
	// master is killed: the length of the tail that is lost. 0 for other kinds.
	Turn  time.Duration
	Lasts time.Duration // from the beginning to the start of the mending
	// Direction is that of a stall or a cut after some bytes.
	Direction faultproxy.Direction
	// Bytes, of a cut, is how many further bytes pass, so that it comes in the
	// middle of a message; 0 cuts all connections at once.
	Bytes  int64
	Ending faultproxy.Ending // of a cut
}

// mended is about when all works again, since the start of the run.
func (f Fault) mended() time.Duration { return f.At + f.Lasts + traits[f.Kind].mends }

// Step is a part of a fault.
type Step string

const (
	Begin Step = "begin"
	Turn  Step = "turn" // of promotions: the replica becomes master; of lost tails: the master is killed
	Mend  Step = "mend"
)

// stage is a step and how long after the step before it comes.
type stage struct {
	step  Step
	after time.Duration
}

// stages are the steps after the beginning.
func (f Fault) stages() []stage {
	if f.Turn == 0 {
		return []stage{{Mend, f.Lasts}}
	}
	return []stage{{Turn, f.Turn}, {Mend, f.Lasts - f.Turn}}
}

// Victim is what the fault hits, such as "worker 2" (counted from 1), "redis" or "kafka".
func (f Fault) Victim() string {
	var name string
	switch traits[f.Kind].hits {
	case redis:
		name = "redis"
	case kafka:
		name = "kafka"
	case worker:
		return fmt.Sprintf("worker %d", f.Target+1)
	}
	if f.Target != Everyone {
		name += fmt.Sprintf(" of worker %d", f.Target+1)
	}
	return name
}

// Detail says in words what the fault does beyond its kind; "" where there is nothing to say.
func (f Fault) Detail() string {
	switch f.Kind {
	case RedisCut, KafkaCut:
		if f.Bytes > 0 {
			return fmt.Sprintf("after %d bytes %s, by %s", f.Bytes, f.Direction, f.Ending)
		}
		return "at once, by " + f.Ending.String()
	case RedisStall, KafkaStall:
		return f.Direction.String()
	case RedisTail:
		return fmt.Sprintf("a tail of %s", seconds(f.Turn))
	case RedisPromote:
		return fmt.Sprintf("a tail of %s, two masters for %s", seconds(f.Turn), seconds(f.Lasts-f.Turn))
	}
	return ""
}

// String is the plan as a table, a line for each fault.
func (p Plan) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "seed %d, %v, %d workers, %d faults\n", p.Seed, p.Duration, p.Workers, len(p.Faults))
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "no\tat\tlasts\tkind\tvictim\tdetail")
	for _, f := range p.Faults {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", f.Number, seconds(f.At), seconds(f.Lasts), f.Kind, f.Victim(), f.Detail())
	}
	_ = table.Flush() // to a Builder, which takes all
	return text.String()
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
