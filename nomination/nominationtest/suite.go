// Package nominationtest is what every nomination.Group must pass.
package nominationtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coppice-run/coppice/nomination"
	"github.com/coppice-run/coppice/task"
)

// Harness is a group under test.
type Harness struct {
	Group nomination.Group
	// Module is one that no other test uses.
	Module string
}

// patience bounds what a group may take to settle.
const patience = 30 * time.Second

// party follows the members of one module.
type party struct {
	t    *testing.T
	h    Harness
	want int

	mu      sync.Mutex
	changed sync.Cond
	members []*guest
}

type guest struct {
	party      *party
	membership nomination.Membership
	tasks      map[task.ID]bool
	moved      int
}

// Run runs the suite.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for name, test := range map[string]func(*testing.T, *party){
		"one member has every task":              alone,
		"members share, and few tasks move":      share,
		"who leaves passes its tasks on":         leave,
		"who is lost passes its tasks on":        lost,
		"a member that left may come back":       comeBack,
		"nominations agree with what was told":   agree,
		"modules have groups of their own":       apart,
		"joining ends with the caller's context": cancelled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &party{t: t, h: open(t), want: 8}
			p.changed.L = &p.mu
			t.Cleanup(func() {
				for _, g := range p.members {
					if g.membership != nil {
						g.membership.Close()
					}
				}
			})
			test(t, p)
		})
	}
}

func (p *party) join() *guest {
	p.t.Helper()
	g := &guest{party: p, tasks: map[task.ID]bool{}}
	p.mu.Lock()
	p.members = append(p.members, g)
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	var err error
	g.membership, err = p.h.Group.Join(ctx, nomination.Member{Module: p.h.Module, Tasks: p.want, Address: fmt.Sprint("worker-", len(p.members))}, g.on)
	if err != nil {
		p.t.Fatal(err)
	}
	return g
}

func (g *guest) on(c nomination.Change) {
	g.party.mu.Lock()
	defer g.party.mu.Unlock()
	for _, id := range c.Lost {
		if !g.tasks[id] {
			g.party.t.Errorf("lost task %d, which was not nominated", id)
		}
		delete(g.tasks, id)
		g.moved++
	}
	for _, id := range c.Gained {
		if g.tasks[id] {
			g.party.t.Errorf("gained task %d twice", id)
		}
		g.tasks[id] = true
	}
	g.party.changed.Broadcast()
}

// await waits until the guests have all tasks, each once, and each so many.
func (p *party) await(counts map[*guest][2]int) {
	p.t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() {
		p.mu.Lock()
		late = true
		p.mu.Unlock()
		p.changed.Broadcast()
	})
	defer timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.settled(counts) {
		if late {
			for g, c := range counts {
				p.t.Logf("has %d tasks, want %v", len(g.tasks), c)
			}
			p.t.Fatal("the tasks are not shared as they should be")
		}
		p.changed.Wait()
	}
}

func (p *party) settled(counts map[*guest][2]int) bool {
	all := map[task.ID]bool{}
	for g, c := range counts {
		if len(g.tasks) < c[0] || len(g.tasks) > c[1] {
			return false
		}
		for id := range g.tasks {
			if all[id] {
				return false
			}
			all[id] = true
		}
	}
	return len(all) == p.want
}

// R4: no task is without nominee.
func alone(_ *testing.T, p *party) {
	g := p.join()
	p.await(map[*guest][2]int{g: {8, 8}})
}

func share(t *testing.T, p *party) {
	a := p.join()
	p.await(map[*guest][2]int{a: {8, 8}})
	b := p.join()
	p.await(map[*guest][2]int{a: {4, 4}, b: {4, 4}})
	c := p.join()
	p.await(map[*guest][2]int{a: {2, 3}, b: {2, 3}, c: {2, 3}})
	p.mu.Lock()
	defer p.mu.Unlock()
	if moved := a.moved + b.moved; moved > 4+3 {
		t.Errorf("%d tasks moved, 7 had to", moved)
	}
}

func leave(t *testing.T, p *party) {
	a, b := p.join(), p.join()
	p.await(map[*guest][2]int{a: {4, 4}, b: {4, 4}})
	remaining, err := b.membership.Leave(t.Context())
	if err != nil || remaining != 1 {
		t.Errorf("%d members remain (%v), want 1", remaining, err)
	}
	p.await(map[*guest][2]int{a: {8, 8}})
	remaining, err = a.membership.Leave(t.Context())
	if err != nil || remaining != 0 {
		t.Errorf("%d members remain (%v), want none", remaining, err)
	}
}

func lost(_ *testing.T, p *party) {
	a, b := p.join(), p.join()
	p.await(map[*guest][2]int{a: {4, 4}, b: {4, 4}})
	a.membership.Close()
	p.await(map[*guest][2]int{b: {8, 8}})
}

func comeBack(t *testing.T, p *party) {
	a := p.join()
	p.await(map[*guest][2]int{a: {8, 8}})
	if _, err := a.membership.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := p.join()
	p.await(map[*guest][2]int{b: {8, 8}})
}

func agree(t *testing.T, p *party) {
	a, b := p.join(), p.join()
	p.await(map[*guest][2]int{a: {4, 4}, b: {4, 4}})
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range task.ID(p.want) {
		if a.membership.Nominated(id) != a.tasks[id] || b.membership.Nominated(id) != b.tasks[id] {
			t.Errorf("task %d: Nominated says %t and %t, told were %t and %t", id, a.membership.Nominated(id), b.membership.Nominated(id), a.tasks[id], b.tasks[id])
		}
	}
}

func apart(_ *testing.T, p *party) {
	a := p.join()
	p.await(map[*guest][2]int{a: {8, 8}})
	other := &party{t: p.t, h: Harness{p.h.Group, p.h.Module + "-other"}, want: 3}
	other.changed.L = &other.mu
	b := other.join()
	defer b.membership.Close()
	other.await(map[*guest][2]int{b: {3, 3}})
	p.await(map[*guest][2]int{a: {8, 8}})
}

func cancelled(t *testing.T, p *party) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m, err := p.h.Group.Join(ctx, nomination.Member{Module: p.h.Module, Tasks: p.want}, func(nomination.Change) {})
	if err == nil {
		m.Close() // what needs no waiting may succeed
	}
}
