// Package memgroup nominates workers of one process.
package memgroup

import (
	"context"
	"slices"
	"sync"

	"github.com/coppice-run/coppice/nomination"
	"github.com/coppice-run/coppice/task"
)

// Group is a nomination.Group in memory. A member that closes is lost at once:
// there are no sessions.
type Group struct {
	first int

	mu      sync.Mutex
	modules map[string]*module
}

var _ nomination.Group = (*Group)(nil)

// New returns a group of which the first nominations of each module wait for so
// many members: workers that start together then share the tasks from the start.
func New(first int) *Group {
	return &Group{first: max(first, 1), modules: map[string]*module{}}
}

type module struct {
	begun   chan struct{} // closed when the first members are there
	members []*member     // in the order in which they joined
	owners  []*member     // by task
}

type member struct {
	group  *Group
	module *module
	on     func(nomination.Change)
	calls  sync.Mutex // one change at a time, in order
	gone   bool       // under calls
}

// Join becomes a member.
func (g *Group) Join(ctx context.Context, m nomination.Member, on func(nomination.Change)) (nomination.Membership, error) {
	me := &member{group: g, on: on}
	g.mu.Lock()
	mod := g.modules[m.Module]
	if mod == nil {
		mod = &module{begun: make(chan struct{}), owners: make([]*member, m.Tasks)}
		g.modules[m.Module] = mod
	}
	me.module = mod
	mod.members = append(mod.members, me)
	if len(mod.members) == g.first {
		select {
		case <-mod.begun:
		default:
			close(mod.begun)
		}
	}
	g.change(mod)
	g.mu.Unlock()
	select {
	case <-mod.begun:
		return me, nil
	case <-ctx.Done():
		me.Close()
		return nil, ctx.Err()
	}
}

// change shares the tasks anew and tells the members. The group is locked, which
// keeps the changes of one member in their order.
func (g *Group) change(mod *module) {
	select {
	case <-mod.begun:
	default:
		return
	}
	changes := mod.share()
	for _, m := range mod.members {
		if c := changes[m]; c != nil {
			m.tell(*c)
		}
	}
}

// share moves as few tasks as it can: each member keeps what it has up to its
// share, and what is left goes round.
func (mod *module) share() map[*member]*nomination.Change {
	changes := map[*member]*nomination.Change{}
	of := func(m *member) *nomination.Change {
		if changes[m] == nil {
			changes[m] = &nomination.Change{}
		}
		return changes[m]
	}
	if len(mod.members) == 0 {
		clear(mod.owners)
		return changes
	}
	least, more := len(mod.owners)/len(mod.members), len(mod.owners)%len(mod.members)
	counts := map[*member]int{}
	var free []task.ID
	for i, m := range mod.owners {
		most := least
		if more > 0 {
			most++
		}
		switch {
		case m == nil || !slices.Contains(mod.members, m):
			free = append(free, task.ID(i))
		case counts[m] >= most:
			of(m).Lost = append(of(m).Lost, task.ID(i))
			free = append(free, task.ID(i))
		default:
			counts[m]++
			if counts[m] == least+1 {
				more--
			}
		}
	}
	for next := 0; len(free) > 0; next++ {
		m := mod.members[next%len(mod.members)]
		most := least
		if more > 0 {
			most++
		}
		if counts[m] >= most {
			continue
		}
		if counts[m]++; counts[m] == least+1 {
			more--
		}
		of(m).Gained = append(of(m).Gained, free[0])
		mod.owners[free[0]] = m
		free = free[1:]
	}
	return changes
}

func (m *member) tell(c nomination.Change) {
	m.calls.Lock()
	defer m.calls.Unlock()
	if !m.gone {
		m.on(c)
	}
}

// Nominated reports whether the task is this member's.
func (m *member) Nominated(id task.ID) bool {
	m.group.mu.Lock()
	defer m.group.mu.Unlock()
	return m.module.owners[id] == m
}

// Leave passes the tasks on.
func (m *member) Leave(context.Context) (remaining int, err error) {
	m.Close()
	m.group.mu.Lock()
	defer m.group.mu.Unlock()
	return len(m.module.members), nil
}

// Close passes the tasks on as well: nobody has to wait for a session to end.
func (m *member) Close() {
	m.calls.Lock()
	gone := m.gone
	m.gone = true
	m.calls.Unlock()
	if gone {
		return
	}
	m.group.mu.Lock()
	defer m.group.mu.Unlock()
	m.module.members = slices.DeleteFunc(m.module.members, func(o *member) bool { return o == m })
	m.group.change(m.module)
}
