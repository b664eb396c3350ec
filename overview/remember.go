package overview

import (
	"slices"
	"strings"
	"time"
)

// remember makes rates and durations of this look and those before it.
func (w *watched) remember(m *Module, looks int) {
	inFlight := m.InFlight()
	for i := range m.Topologies {
		t := &m.Topologies[i]
		if t.Unread() { // what is missing would look like records that were taken back
			delete(w.counts, t.Name)
			t.Course = append([]Point{}, w.course[t.Name]...)
			continue
		}
		was, known := w.counts[t.Name]
		now := count{at: m.At, done: t.Done, end: t.End, changed: m.At}
		if known && was.done == t.Done {
			now.changed = was.changed
		}
		if t.Lag > 0 && known && was.done == t.Done {
			t.StandsSince = now.changed
		} else {
			now.changed = m.At
		}
		w.counts[t.Name] = now
		if seconds := m.At.Sub(was.at).Seconds(); known && seconds > 0 {
			course := append(w.course[t.Name], Point{At: m.At, DonePerSecond: max(0, float64(t.Done-was.done)/seconds), AppendedPerSecond: max(0, float64(t.End-was.end)/seconds), Lag: t.Lag, InFlight: inFlight})
			w.course[t.Name] = course[max(0, len(course)-looks):]
		}
		t.Course = append([]Point{}, w.course[t.Name]...)
		t.DonePerSecond, t.AppendedPerSecond = recent(t.Course)
	}
	for i := range m.Tasks {
		w.rememberTask(m.At, &m.Tasks[i])
	}
}

// recentLooks are those that the rate is of: a course that jumps at each look cannot be read.
const recentLooks = 5

func recent(course []Point) (done, appended float64) {
	course = course[max(0, len(course)-recentLooks):]
	for _, p := range course {
		done, appended = done+p.DonePerSecond, appended+p.AppendedPerSecond
	}
	n := float64(max(1, len(course)))
	return done / n, appended / n
}

func (w *watched) rememberTask(at time.Time, t *Task) {
	was, known := w.owners[t.Task]
	if !known || was.address != t.Owner || was.epoch != t.Epoch {
		was = owner{address: t.Owner, epoch: t.Epoch, since: at, handedOver: known}
	}
	if !t.told.at.IsZero() { // what it told counts, too, while it is silent
		was.told = t.told
	}
	w.owners[t.Task] = was
	t.OwnerSince, t.HandedOver = was.since, was.handedOver
	if !was.told.at.IsZero() {
		t.OwnerSince, t.HandedOver = was.told.at, true
		t.TakeOverSeconds, t.TookFrom = was.told.takeOver.Seconds(), was.told.from
	}
	if t.State != TaskSilent {
		delete(w.silent, t.Task)
		return
	}
	if _, known := w.silent[t.Task]; !known {
		w.silent[t.Task] = at
	}
	t.SilentSince = w.silent[t.Task]
}

// workers adds up the tasks by their owners.
func workers(tasks []Task) []Worker {
	byAddress := map[string]*Worker{}
	for i := range tasks {
		t := &tasks[i]
		if t.Owner == "" {
			continue
		}
		w := byAddress[t.Owner]
		if w == nil {
			w = &Worker{Address: t.Owner}
			byAddress[t.Owner] = w
		}
		w.Tasks++
		if t.State == TaskSilent {
			w.Silent++
		}
		if t.Status != nil {
			w.Queued, w.Pending = w.Queued+t.Status.Queued, w.Pending+t.Status.Pending
		}
	}
	all := []Worker{}
	for _, w := range byAddress {
		all = append(all, *w)
	}
	slices.SortFunc(all, func(a, b Worker) int { return strings.Compare(a.Address, b.Address) })
	return all
}
