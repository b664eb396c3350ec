package localcluster_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/coppice-run/coppice/internal/guide"
	"github.com/coppice-run/coppice/internal/pipe"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/redisstate"
)

// The guide to PStates says what operations cost, in commands and bytes that go to the server:
// here they are counted. COPPICE_UPDATE=1 go test ./localcluster -run Costs writes the table.

// costly has every kind of structure, filled with a hundred elements each.
type costly struct {
	Do      module.Depot[string]
	Mark    pstate.Value[int] // written by every event
	Value   pstate.Value[map[string]int]
	Map     pstate.Map[string, int]
	Sorted  pstate.SortedMap[string, int]
	Set     pstate.Set[string]
	Ordered pstate.SortedSet[string]
	List    pstate.List[string]
	Nested  pstate.MapOf[string, pstate.SortedMap[string, int]]
	Fixed   pstate.MapOf[string, fixed]

	handlers map[string]func(*module.Event)
}

type fixed struct {
	pstate.Fixed[fixed]
	A, B pstate.Value[int]
}

const elements = 100

func element(i int) string { return fmt.Sprintf("k%02d", i) }

func (m *costly) Define(b *module.Builder) {
	module.GlobalDepot(b, &m.Do, "do")
	s := b.Stream("s")
	s.PState(&m.Mark, "mark", pstate.Global())
	s.PState(&m.Value, "value", pstate.Global())
	s.PState(&m.Map, "map", pstate.Global())
	s.PState(&m.Sorted, "sorted", pstate.Global())
	s.PState(&m.Set, "set", pstate.Global())
	s.PState(&m.Ordered, "ordered", pstate.Global())
	s.PState(&m.List, "list", pstate.Global())
	s.PState(&m.Nested, "nested", pstate.Global())
	s.PState(&m.Fixed, "fixed", pstate.Global())
	module.DeclareSource(s, m.Do, func(ev *module.Event, what string) error {
		m.Mark.Set(ev, 100+int(ev.Offset()))
		m.handlers[what](ev)
		return nil
	})
}

func (m *costly) fill(ev *module.Event) {
	all := map[string]int{}
	for i := range elements {
		k := element(i)
		all[k] = i
		m.Map.Key(k).Set(ev, i)
		m.Sorted.Key(k).Set(ev, i)
		m.Set.Add(ev, k)
		m.Ordered.Add(ev, k)
		m.List.Push(ev, k)
		m.Nested.Key("n").Key(k).Set(ev, i)
	}
	m.Value.Set(ev, all)
	m.Fixed.Key("f").A.Set(ev, 1)
}

// operation is a row of the table: what an event does, or a client reads.
type operation struct {
	structure, what string
	write           func(m *costly, ev *module.Event, i int)
	read            func(m *costly, r pstate.Reader) error
}

func each[T any](sequence func(func(T, error) bool)) error {
	for _, err := range sequence {
		if err != nil {
			return err
		}
	}
	return nil
}

var operations = []operation{
	{structure: "a commit, with a `Value` of a number", what: "`Set`"},
	{structure: "`Value` of a Go map of 100", what: "one element changed", write: func(m *costly, ev *module.Event, i int) {
		m.Value.Update(ev, func(all map[string]int) map[string]int { all["k50"] = 100 + i; return all })
	}},
	{structure: "`Value` of a Go map of 100", what: "`Get`", read: func(m *costly, r pstate.Reader) error { _, err := m.Value.Get(r); return err }},
	{structure: "`Map`", what: "`Set` of an element", write: func(m *costly, ev *module.Event, i int) { m.Map.Key("k50").Set(ev, 100+i) }},
	{structure: "`Map`", what: "`Get`", read: func(m *costly, r pstate.Reader) error { _, err := m.Map.Key("k50").Get(r); return err }},
	{structure: "`Map`", what: "`Len`", read: func(m *costly, r pstate.Reader) error { _, err := m.Map.Len(r); return err }},
	{structure: "`SortedMap`", what: "`Set` of an element", write: func(m *costly, ev *module.Event, i int) { m.Sorted.Key("k50").Set(ev, 100+i) }},
	{structure: "`SortedMap`", what: "`Set` of a new key", write: func(m *costly, ev *module.Event, i int) { m.Sorted.Key(fmt.Sprint("n", 100+i)).Set(ev, 100) }},
	{structure: "`SortedMap`", what: "`Get`", read: func(m *costly, r pstate.Reader) error { _, err := m.Sorted.Key("k50").Get(r); return err }},
	{structure: "`SortedMap`", what: "`Range` of 10", read: func(m *costly, r pstate.Reader) error { return each(m.Sorted.Range(r, pstate.From("k10").Limit(10))) }},
	{structure: "`SortedMap`", what: "`Range` of all 100", read: func(m *costly, r pstate.Reader) error {
		return each(m.Sorted.Range(r, pstate.From("k").To("l")))
	}},
	{structure: "`Set`", what: "`Add`", write: func(m *costly, ev *module.Event, i int) { m.Set.Add(ev, fmt.Sprint("n", 100+i)) }},
	{structure: "`SortedSet`", what: "`Add`", write: func(m *costly, ev *module.Event, i int) { m.Ordered.Add(ev, fmt.Sprint("n", 100+i)) }},
	{structure: "`SortedSet`", what: "`Range` of 10", read: func(m *costly, r pstate.Reader) error { return each(m.Ordered.Range(r, pstate.From("k10").Limit(10))) }},
	{structure: "`List`", what: "`Push`", write: func(m *costly, ev *module.Event, i int) { m.List.Push(ev, fmt.Sprint("n", 100+i)) }},
	{structure: "`List`", what: "`Get` by index", read: func(m *costly, r pstate.Reader) error { _, _, err := m.List.Get(r, 50); return err }},
	{structure: "`MapOf` a `SortedMap`", what: "`Set` of an element", write: func(m *costly, ev *module.Event, i int) { m.Nested.Key("n").Key("k50").Set(ev, 100+i) }},
	{structure: "`MapOf` a `SortedMap`", what: "`Set` under a new outer key", write: func(m *costly, ev *module.Event, i int) {
		m.Nested.Key(fmt.Sprint("n", 100+i)).Key("k50").Set(ev, 100)
	}},
	{structure: "`MapOf` a `SortedMap`", what: "`Get`", read: func(m *costly, r pstate.Reader) error { _, err := m.Nested.Key("n").Key("k50").Get(r); return err }},
	{structure: "`MapOf` fixed keys", what: "`Set` of a field", write: func(m *costly, ev *module.Event, i int) { m.Fixed.Key("f").A.Set(ev, 100+i) }},
	{structure: "`MapOf` fixed keys", what: "`Set` of two fields", write: func(m *costly, ev *module.Event, i int) {
		m.Fixed.Key("f").A.Set(ev, 100+i)
		m.Fixed.Key("f").B.Set(ev, 100+i)
	}},
}

// repeats is how often an operation is counted: the least counts, for now and then something
// else goes to the server, too. Records have numbers of two digits meanwhile.
const repeats = 3

func TestCostsOfPStates(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString("| structure | operation | commands | bytes sent | bytes received |\n|---|---|---|---|---|\n")
	for _, o := range operations {
		c := costOf(t, o)
		fmt.Fprintf(&table, "| %s | %s | %d | %d | %d |\n", o.structure, o.what, c.commands, c.sent, c.received)
	}
	guide.Current(t, "docs/guides/pstates.md", "costs", table.String())
}

// costOf counts an operation on a cluster of its own. Of a write that is what the commit of an
// event takes more than that of one which writes a number alone.
func costOf(t *testing.T, o operation) cost {
	t.Helper()
	server := miniredis.RunT(t)
	count := &counter{}
	state, err := redisstate.Open(t.Context(), redisstate.Config{Addresses: []string{"counted:6379"}, Dialer: count.dialer(server)})
	if err != nil {
		t.Fatal(err)
	}
	defer state.Close()
	cluster, err := localcluster.Start(t.Context(), localcluster.Config{Store: state})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	m := &costly{}
	n := 0
	m.handlers = map[string]func(*module.Event){
		"nothing": func(*module.Event) {}, "fill": m.fill,
		"operat.": func(ev *module.Event) { o.write(m, ev, n) },
	}
	if err := cluster.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
		t.Fatal(err)
	}
	record := func(what string) {
		if _, err := m.Do.Append(t.Context(), cluster.Client(), what); err != nil {
			t.Fatal(err)
		}
	}
	record("fill")
	for range 10 {
		record("nothing")
	}
	if o.read != nil {
		reader := cluster.Client().AtTask(t.Context(), 0)
		return least(func() cost {
			return count.during(func() {
				if err := o.read(m, reader); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
	nothing := least(func() cost { return count.during(func() { record("nothing") }) })
	if o.write == nil {
		return nothing
	}
	record("operat.") // what it reads is in the task's memory then
	with := least(func() cost {
		n++
		return count.during(func() { record("operat.") })
	})
	return cost{with.commands - nothing.commands, with.sent - nothing.sent, with.received - nothing.received}
}

// cost is what goes over the connections to the server.
type cost struct{ commands, sent, received int }

func least(measure func() cost) cost {
	best := measure()
	for range repeats - 1 {
		c := measure()
		best = cost{min(best.commands, c.commands), min(best.sent, c.sent), min(best.received, c.received)}
	}
	return best
}

// counter counts what all connections carry.
type counter struct {
	mu    sync.Mutex
	total cost
}

func (c *counter) during(do func()) cost {
	c.mu.Lock()
	before := c.total
	c.mu.Unlock()
	do()
	c.mu.Lock()
	defer c.mu.Unlock()
	return cost{c.total.commands - before.commands, c.total.sent - before.sent, c.total.received - before.received}
}

func (c *counter) dialer(server *miniredis.Miniredis) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		conn, err := server.Dial()
		if err != nil {
			return nil, err
		}
		return &counted{Conn: pipe.Buffered(conn), counter: c}, nil
	}
}

// counted is a connection that is counted.
type counted struct {
	net.Conn
	counter  *counter
	requests []byte // the beginning of a command
}

// commands takes the complete ones off the requests.
func (c *counted) commands() (n int) {
	for {
		rest, ok := command(c.requests)
		if !ok {
			return n
		}
		c.requests = rest
		n++
	}
}

// command returns what is behind a command, and whether it is complete.
func command(in []byte) (rest []byte, ok bool) {
	words, in, ok := number(in)
	for range words {
		var size int
		if size, in, ok = number(in); !ok || len(in) < size+2 {
			return nil, false
		}
		in = in[size+2:]
	}
	return in, ok
}

// number reads a line such as *3 or $5.
func number(in []byte) (n int, rest []byte, ok bool) {
	line, rest, ok := bytes.Cut(in, []byte("\r\n"))
	if !ok {
		return 0, nil, false
	}
	n, err := strconv.Atoi(string(line[1:]))
	return n, rest, err == nil
}

func (c *counted) Write(p []byte) (int, error) {
	c.counter.mu.Lock()
	c.requests = append(c.requests, p...)
	c.counter.total.sent += len(p)
	c.counter.total.commands += c.commands()
	c.counter.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.counter.mu.Lock()
	c.counter.total.received += n
	c.counter.mu.Unlock()
	return n, err
}
