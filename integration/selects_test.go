package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/codec/msgpackcodec"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport/memtransport"
)

// deal is an order of a shop.
type deal struct {
	Amount int
	Tags   []string `json:"tags"`
	Note   *string  `json:",omitempty"`
}

// seat is a key of two parts.
type seat struct {
	Row    string
	Number int
}

// person are fixed keys.
type person struct {
	pstate.Fixed[person]
	Name    pstate.Value[string]
	Friends pstate.SortedSet[string]
	Posts   pstate.List[string]
}

// market has a PState of each kind.
type market struct {
	name string

	Fill   module.Depot[int] // how many
	Stock  pstate.Map[string, int]
	Sorted pstate.SortedMap[int, deal]
	Sales  pstate.MapOf[string, pstate.SortedMap[time.Time, deal]]
	People pstate.MapOf[string, person]
	Rows   pstate.MapOf[string, pstate.ListOf[pstate.SortedSet[int]]]
	Seats  pstate.Map[seat, string]
	Seen   pstate.Set[int]
	Packed pstate.Map[string, deal]
	Texts  pstate.Map[string, string]
	Votes  pstate.Map[string, map[int8]int]
	Bytes  pstate.Map[string, []byte]
	Title  pstate.Value[string]
	Secret pstate.Value[int]
	Placed pstate.Map[string, int]
}

func (m *market) ModuleName() string { return m.name }

var monday = time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)

func (m *market) Define(b *module.Builder) {
	module.GlobalDepot(b, &m.Fill, "fill")
	s := b.Stream("fill")
	s.PState(&m.Stock, "stock")
	s.PState(&m.Sorted, "sorted", pstate.Global())
	s.PState(&m.Sales, "sales")
	s.PState(&m.People, "people")
	s.PState(&m.Rows, "rows")
	s.PState(&m.Seats, "seats")
	s.PState(&m.Seen, "seen")
	s.PState(&m.Packed, "packed", pstate.Codec(msgpackcodec.Codec))
	s.PState(&m.Texts, "texts", pstate.Codec(codec.Text))
	s.PState(&m.Votes, "votes")
	s.PState(&m.Bytes, "bytes")
	s.PState(&m.Title, "title", pstate.Global(), pstate.Initial("none"))
	s.PState(&m.Secret, "secret", pstate.Private())
	s.PState(&m.Placed, "placed", pstate.PartitionBy(func(string, int) int { return 0 }))
	module.DeclareSource(s, m.Fill, m.fill)
}

// fill writes everything on task 0.
func (m *market) fill(ev *module.Event, n int) error {
	for i := range n {
		m.Sorted.Key(i).Set(ev, deal{Amount: i * 10, Tags: []string{"a", fmt.Sprint(i)}})
	}
	m.Stock.Key("tea").Set(ev, 5)
	m.Stock.Key("milk").Set(ev, 7)
	for i := range 5 {
		m.Sales.Key("ann").Key(monday.AddDate(0, 0, i)).Set(ev, deal{Amount: i})
	}
	m.Sales.Key("bob").Key(monday).Set(ev, deal{Amount: 100})
	ann := m.People.Key("ann")
	ann.Name.Set(ev, "Ann")
	ann.Friends.Add(ev, "bob")
	ann.Friends.Add(ev, "cy")
	for i := range 4 {
		ann.Posts.Push(ev, fmt.Sprint("post ", i))
	}
	for range 3 {
		m.Rows.Key("x").Push(ev).Add(ev, 1)
	}
	m.Seats.Key(seat{"A", 7}).Set(ev, "ann")
	m.Seen.Add(ev, 3)
	m.Packed.Key("x").Set(ev, deal{Amount: 1})
	m.Texts.Key("x").Set(ev, "plain")
	m.Texts.Key("y").Set(ev, "\xff")
	m.Votes.Key("x").Set(ev, map[int8]int{-1: 3, 10: 4})
	m.Bytes.Key("x").Set(ev, []byte{0, 1, 255})
	m.Placed.Key("x").Set(ev, 1)
	return nil
}

// fillMarket launches a market of one task and fills it.
func fillMarket(t *testing.T, c *localcluster.Cluster, n int) *market {
	t.Helper()
	m := &market{name: unique("Market")}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Fill.Append(t.Context(), c.Client(), n); err != nil {
		t.Fatal(err)
	}
	return m
}

// selected are the values of a selection.
func selected(ctx context.Context, c *client.Client, module, pstate, path string, limit int) (string, error) {
	var all []string
	for page, err := range c.Select(ctx, client.Selection{Module: module, PState: pstate, Path: path, Limit: limit}) {
		if err != nil {
			return "", err
		}
		for _, v := range page.Values {
			if !json.Valid(v) {
				return "", fmt.Errorf("%q is no JSON", v)
			}
			all = append(all, string(v))
		}
	}
	return strings.Join(all, " "), nil
}

// Every step of a path as text, through structures and into values, without the module's
// code.
func TestSelectsByText(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := fillMarket(t, c, 20)
		for _, test := range []struct{ pstate, path, want string }{
			{"stock", `key("tea")`, `5`},
			{"stock", `key("none")`, `null`},
			{"stock", `must("none")`, ``},
			{"stock", `vals`, `7 5`},
			{"stock", `mapKeys`, `"milk" "tea"`},
			{"stock", ``, `{"milk":7,"tea":5}`},
			{"stock", `len`, `2`},
			{"stock", `vals.filter(it > 5)`, `7`},
			{"stock", `key("tea").filterNot(it == 5)`, ``},
			{"sorted", `key(3).field("Amount")`, `30`},
			{"sorted", `key(3).field("tags").nth(1)`, `"3"`},
			{"sorted", `key(3).field("tags").last`, `"3"`},
			{"sorted", `key(3).field("tags").len`, `2`},
			{"sorted", `key(3).field("Note")`, `null`},
			{"sorted", `key(3).must("Note")`, ``},
			{"sorted", `range(3, 5).keys`, `3 4`},
			{"sorted", `rangeFrom(17).keys`, `17 18 19`},
			{"sorted", `rangeFrom(3, 2).keys`, `3 4`},
			{"sorted", `rangeTo(3).keys`, `0 1 2`},
			{"sorted", `rangeTo(5, 2).keys`, `3 4`},
			{"sorted", `rangeFromStart(2).keys`, `0 1`},
			{"sorted", `rangeToEnd(2).keys`, `18 19`},
			{"sorted", `rangeToEnd(0).keys`, ``},
			{"sorted", `vals.filter(field("Amount") >= 180).field("Amount")`, `180 190`},
			{"sorted", `vals.filter(field("tags").all == "7").field("Amount")`, `70`},
			{"sorted", `count`, `1`},
			{"sorted", `keys.count`, `20`},
			{"sorted", `keys.limit(3)`, `0 1 2`},
			{"sorted", `keys.limit(3).count`, `3`},
			{"votes", `key("x").key(10)`, `4`},
			{"votes", `key("x").key("-1")`, `3`},
			{"votes", `key("x").submap(-1, 5)`, `{"-1":3}`},
			{"bytes", `key("x").len`, `3`},
			{"bytes", `key("none").len`, `0`},
			{"sorted", `rangeFromStart(1).entries`, `{"key":0,"value":{"Amount":0,"tags":["a","0"]}}`},
			{"sorted", `rangeFromStart(1)`, `[{"key":0,"value":{"Amount":0,"tags":["a","0"]}}]`},
			{"sales", `keys`, `"ann" "bob"`},
			{"sales", `key("ann").rangeFrom("2024-01-04T00:00:00Z").vals.field("Amount")`, `3 4`},
			{"sales", `key("ann").rangeFromStart(1).keys`, `"2024-01-01T12:00:00Z"`},
			{"sales", `vals.vals.filter(field("Amount") > 3).field("Amount")`, `4 100`},
			{"sales", `entries.filter(field("key") == "bob").field("value").len`, `1`},
			{"sales", `must("cy").keys`, ``},
			{"people", `key("ann").field("Name")`, `"Ann"`},
			{"people", `key("ann").field("Friends").all`, `"bob" "cy"`},
			{"people", `key("ann").field("Friends").elem("cy")`, `"cy"`},
			{"people", `key("ann").field("Friends").elem("no")`, ``},
			{"people", `key("ann").field("Friends").first`, `"bob"`},
			{"people", `key("ann").field("Posts").last`, `"post 3"`},
			{"people", `key("ann").field("Posts").nth(1)`, `"post 1"`},
			{"people", `key("ann").field("Posts").nth(9)`, ``},
			{"people", `key("ann").field("Posts").range(1, 3).all`, `"post 1" "post 2"`},
			{"people", `key("ann").field("Posts").rangeToEnd(2).all`, `"post 2" "post 3"`},
			{"people", `key("ann").field("Posts").rangeToEnd(2).first`, `"post 2"`},
			{"people", `key("ann").field("Posts").rangeToEnd(2).last`, `"post 3"`},
			{"people", `key("ann").field("Posts").rangeFromStart(2).last`, `"post 1"`},
			{"people", `key("ann").field("Posts").len`, `4`},
			{"people", `key("ann")`, `{"Name":"Ann","Friends":["bob","cy"],"Posts":["post 0","post 1","post 2","post 3"]}`},
			{"people", `keys.filter(it != "ann")`, ``},
			{"people", `vals.filter(field("Friends").elem("cy")).field("Name")`, `"Ann"`},
			{"people", `vals.filterNot(field("Friends").elem("cy")).field("Name")`, ``},
			{"rows", `key("x").len`, `3`},
			{"rows", `key("x")`, `[[1],[1],[1]]`},
			{"rows", `key("x").nth(2).all`, `1`},
			{"rows", `key("x").rangeToEnd(1).all.len`, `1`},
			{"seats", `key(["A",7])`, `"ann"`},
			{"seats", `key({"Row":"A","Number":7})`, `"ann"`},
			{"seats", `keys`, `{"Row":"A","Number":7}`},
			{"seen", `elem(3)`, `3`},
			{"seen", `elem(4)`, ``},
			{"seen", `len`, `1`},
			{"texts", `key("x")`, `"plain"`},
			{"texts", `key("y")`, `{"codec":"text","base64":"/w=="}`},
			{"stock", `multi(key("tea"), key("none"), must("none"), key("milk"))`, `5 null 7`},
			{"stock", `multiPath(key("tea"), len)`, `5 2`},
			{"stock", `key("none").nullToVal(9)`, `9`},
			{"stock", `submap("tea", "none")`, `{"tea":5}`},
			{"stock", `subselect(vals)`, `[7,5]`},
			{"sorted", `submap(3, 99, 1).len`, `2`},
			{"sorted", `range(3, 5).vals.submap("Amount", "none")`, `{"Amount":30} {"Amount":40}`},
			{"sorted", `range(3, 5).vals.field("tags").sublist(1, 9)`, `["3"] ["4"]`},
			{"sorted", `range(3, 6).vals.if(field("Amount") > 30, field("Amount"), field("tags").last)`, `"3" 40 50`},
			{"sorted", `range(3, 6).vals.ifPath(field("Amount") > 40, field("Amount")).count`, `1`},
			{"sorted", `range(3, 5).vals.field("Amount").collect(it)`, `{"collected":[30],"value":30} {"collected":[40],"value":40}`},
			{"sales", `key("ann").collect(rangeToEnd(1).vals.field("Amount")).field("collected")`, `[4]`},
			{"sales", `vals.if(len > 1, range("2024-01-02T00:00:00Z", "2024-01-03T00:00:00Z"), rangeToEnd(1)).vals.field("Amount")`, `1 100`},
			{"people", `key("ann").field("Friends").subset("no", "cy", "bob")`, `["cy","bob"]`},
			{"people", `key("ann").field("Posts").sublist(1, 3)`, `["post 1","post 2"]`},
			{"people", `key("ann").field("Posts").sublist(3, 1)`, `[]`},
			{"people", `vals.multi(field("Name"), field("Posts").first)`, `"Ann" "post 0"`},
			{"rows", `key("x").sublist(0, 2)`, `[[1],[1]]`},
			{"seats", `submap(["A",7], ["B",1])`, `[{"key":{"Row":"A","Number":7},"value":"ann"}]`},
			{"seen", `subset(4, 3)`, `[3]`},
			{"title", ``, `"none"`},
			{"title", `len`, `4`},
		} {
			got, err := selected(t.Context(), c.Client(), m.name, test.pstate, test.path, 0)
			if err != nil || got != test.want {
				t.Errorf("%s %s: %s, %v; want %s", test.pstate, test.path, got, err, test.want)
			}
		}
		got, err := selected(t.Context(), c.Client(), m.name, "packed", `key("x")`, 0)
		if err != nil || !strings.HasPrefix(got, `{"codec":"msgpack","base64":"`) {
			t.Errorf("a value of another codec: %s, %v", got, err)
		}
		page, err := c.Client().SelectOne(t.Context(), client.Selection{Module: m.name, PState: "stock", Path: `key("tea")`})
		if mark, wrong := task.ParseMark(page.Commit); err != nil || wrong != nil || mark.Number == 0 {
			t.Errorf("one value: %+v, %v, %v", page, err, wrong)
		}
		if _, err := c.Client().SelectOne(t.Context(), client.Selection{Module: m.name, PState: "stock", Path: `keys`}); !errors.Is(err, nav.ErrMany) {
			t.Errorf("many as one: %v", err)
		}
		if _, err := c.Client().SelectOne(t.Context(), client.Selection{Module: m.name, PState: "stock", Path: `must("x")`}); !errors.Is(err, nav.ErrNone) {
			t.Errorf("none as one: %v", err)
		}
	})
}

// What does not fit is told with the place and the mend, before anything is read.
func TestWrongSelects(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := fillMarket(t, c, 1500)
		for _, test := range []struct {
			pstate, path string
			want         error
			text         string
		}{
			{"none", ``, client.ErrNoPState, "it has bytes, packed"},
			{"stock", `kee("a")`, client.ErrWrongPath, `there is no step "kee"`},
			{"stock", `key(`, client.ErrWrongPath, "JSON value"},
			{"stock", `key("a") x`, client.ErrWrongPath, "separated by a point"},
			{"stock", `key(7)`, client.ErrWrongType, `put it in quotes: "7"`},
			{"stock", `multi(key("tea"), it)`, client.ErrWrongPath, "this path comes to a map, the one before it to a value"},
			{"stock", `key("tea")` + strings.Repeat(".multi(it, it)", 12), client.ErrWrongPath, "more than 1000 ways"},
			{"stock", `key("tea")` + strings.Repeat(".collect(it)", 24), client.ErrTooLarge, "1048576 bytes"},
			{"stock", `if(key("tea"))`, client.ErrWrongPath, "write if(condition, path[, path])"},
			{"stock", `submap("tea", "tea")`, client.ErrWrongType, "is named twice"},
			{"stock", `nullToVal(1)`, client.ErrWrongPath, "nullToVal does not lead on from a map"},
			{"stock", `range("a", "b")`, client.ErrWrongPath, "does not lead on from a map; from there lead key"},
			{"sorted", `nth(1)`, client.ErrWrongPath, "submap"},
			{"sorted", `keys.count.limit(3)`, client.ErrWrongPath, "count is the last step"},
			{"sorted", `keys.limit(5).limit(3)`, client.ErrWrongPath, "limit is named twice"},
			{"sorted", `keys.page(5).page(3)`, client.ErrWrongPath, "page is named twice"},
			{"votes", `key("x").key("a")`, client.ErrWrongType, `keys here are int8: "a" is no int8`},
			{"votes", `key("x").key(200)`, client.ErrWrongType, "200 is no int8"},
			{"votes", `key("x").key(1.0)`, client.ErrWrongType, "1.0 is no int8"},
			{"votes", `key("x").submap(true)`, client.ErrWrongType, "names in quotes"},
			{"sorted", `key("a")`, client.ErrWrongType, "keys here are int64"},
			{"sorted", `key(1e30)`, client.ErrWrongType, "no int64"},
			{"sorted", `key(1).field("Amuont")`, client.ErrWrongPath, `["Amount" "tags" "Note"]`},
			{"sorted", `key(1).field("Amount").vals`, client.ErrWrongPath, "does not lead on from a value int64"},
			{"sorted", ``, client.ErrTooLarge, "1000 elements"},
			{"sorted", `vals.filter(field("Amount") > true)`, client.ErrWrongType, "a number or a text"},
			{"sorted", `limit(0)`, client.ErrWrongPath, "from 1 on"},
			{"people", `key("ann").field("Nme")`, client.ErrWrongPath, `["Name" "Friends" "Posts"]`},
			{"people", `key("ann").field("Posts").nth(-1)`, client.ErrWrongPath, "last"},
			{"seats", `key(["A"])`, client.ErrWrongType, "has 1 parts"},
			{"seats", `key({"Row":"A"})`, client.ErrWrongType, "lacks the part Number"},
			{"seen", `all`, client.ErrWrongPath, "elem, subset, len"},
			{"seen", ``, client.ErrWrongPath, "no order"},
			{"packed", `key("x").field("Amount")`, client.ErrWrongPath, "codec msgpack"},
			{"secret", ``, pstate.ErrPrivate, "private"},
			{"placed", `key("x")`, client.ErrPlacedByCode, "say which task"},
		} {
			_, err := selected(t.Context(), c.Client(), m.name, test.pstate, test.path, 0)
			if !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.text) {
				t.Errorf("%s %s: %v; want %v, %q", test.pstate, test.path, err, test.want, test.text)
			}
		}
		for page, err := range c.Client().Select(t.Context(), client.Selection{Module: m.name, PState: "placed", Path: `key("x")`, Tasks: []task.ID{0}}) {
			if err != nil || string(page.Values[0]) != "1" {
				t.Errorf("on the task that is named: %v, %v", page, err)
			}
		}
		for _, err := range c.Client().Select(t.Context(), client.Selection{Module: m.name, PState: "placed", Tasks: []task.ID{1}}) {
			if !errors.Is(err, client.ErrNoTask) {
				t.Errorf("a task that there is not: %v", err)
			}
		}
		for _, err := range c.Client().Select(t.Context(), client.Selection{Module: "Nothing", PState: "x"}) {
			if !errors.Is(err, client.ErrNoModule) {
				t.Errorf("a module that there is not: %v", err)
			}
		}
	})
}

// countingStore counts what a client reads.
type countingStore struct {
	store.Store
	reads    atomic.Int64
	elements atomic.Int64
}

func (s *countingStore) Read(ctx context.Context, slot store.Slot, reads []store.Read) (task.Head, error) {
	head, err := s.Store.Read(ctx, slot, reads)
	s.reads.Add(1)
	for i := range reads {
		s.elements.Add(int64(len(reads[i].Elements)))
	}
	return head, err
}

// promise 3.18: a select reads no more than its range, and gives up to 1,000 elements as
// one moment, more in pages with their commits.
func TestSelectsReadNoMoreThanTheirRange(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := fillMarket(t, c, 2500)
		counting := &countingStore{Store: c.Store()}
		reader, err := client.New(client.Config{Log: c.Log(), Store: counting, Network: memtransport.New()})
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		for _, test := range []struct {
			path            string
			limit           int
			reads, elements int64
			pages           int
		}{
			{`key(7)`, 0, 1, 0, 1},
			{`range(10, 20).keys`, 0, 1, 10, 1},
			{`rangeFrom(10, 5).vals.field("Amount")`, 0, 1, 5, 1},
			{`rangeToEnd(3).keys`, 0, 1, 3, 1},
			{`keys.limit(4)`, 0, 1, 4, 1},
			{`vals.field("Amount")`, 4, 1, 4, 1},
			{`rangeFromStart(1000).keys`, 0, 1, 1000, 1},
			{`len`, 0, 1, 0, 1},
			{`keys`, 0, 3, 2500, 3},
			{`keys.page(500)`, 0, 3, 2500, 5},
			{`keys.filter(it == 0).limit(1)`, 0, 1, 1000, 1},
		} {
			counting.reads.Store(0)
			counting.elements.Store(0)
			pages := 0
			for page, err := range reader.Select(t.Context(), client.Selection{Module: m.name, PState: "sorted", Path: test.path, Limit: test.limit}) {
				if err != nil {
					t.Fatalf("%s: %v", test.path, err)
				}
				if _, err := task.ParseMark(page.Commit); err != nil {
					t.Errorf("%s: %v", test.path, err)
				}
				pages++
			}
			if r, e := counting.reads.Load(), counting.elements.Load(); r != test.reads || e != test.elements || pages != test.pages {
				t.Errorf("%s: %d reads of %d elements, %d pages; want %d, %d, %d", test.path, r, e, pages, test.reads, test.elements, test.pages)
			}
		}
	})
}
