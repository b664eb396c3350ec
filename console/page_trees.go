package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/task"
)

// treesShown bounds how many trees the list has.
const treesShown = 200

// treesPage lists event trees.
type treesPage struct {
	Module     string
	Live       []eventtree.Tree
	Recent     []eventtree.Tree
	Failing    []eventtree.Failing
	Missing    []eventtree.Missing
	Latency    []latencyOf
	Topology   string
	Topologies []string
	Depots     []client.DepotInfo
	Now        time.Time
}

// latencyOf is how long records of a topology took.
type latencyOf struct {
	Topology string
	*eventtree.Latency
}

func showTrees(q *request) error {
	d, err := q.h.cluster.Describe(q.ctx, q.module)
	if err != nil {
		return err
	}
	page := treesPage{Module: q.module, Topology: q.value("topology"), Depots: d.Depots, Now: time.Now()}
	for _, t := range d.Topologies {
		page.Topologies = append(page.Topologies, t.Name)
	}
	m, err := q.look()
	if err != nil {
		return err
	}
	for i := range m.Topologies {
		if t := &m.Topologies[i]; t.Latency != nil && (page.Topology == "" || page.Topology == t.Name) {
			page.Latency = append(page.Latency, latencyOf{t.Name, t.Latency})
		}
	}
	list, err := q.h.cluster.ListTrees(m.WithoutGone(q.ctx), q.module, client.TreeFilter{Topology: page.Topology, Recent: true, Limit: treesShown})
	if err != nil {
		return err
	}
	for _, t := range list.Trees {
		if t.State.Over() {
			page.Recent = append(page.Recent, t)
		} else {
			page.Live = append(page.Live, t)
		}
	}
	page.Failing, page.Missing = eventtree.FailingOf(list.Trees), list.Missing
	return q.show("trees", frame{Title: "Event trees", Lead: "What records set off, and what each waits for now: those under way, and those that the workers have kept.", Crumbs: q.within(), JSON: query("/modules/"+q.module+"/trees", "recent", "true", "topology", page.Topology, "limit", strconv.Itoa(treesShown))}, page)
}

// treePage is what one record has set off.
type treePage struct {
	Module  string
	Record  eventtree.Record
	Trees   []eventtree.Tree
	Hidden  map[string]int // events that are not shown, by topology and source
	Payload string
	Bytes   int    // of the record, where not all of it is shown; else 0
	Gone    string // why the record cannot be read
	Now     time.Time
}

// More is how many events of a tree are not shown.
func (p treePage) More(t eventtree.Tree) int { return p.Hidden[t.Topology+"/"+t.Source] }

// eventsShown and payloadShown bound what a page shows of a record that fanned out widely, or
// is large.
const (
	eventsShown  = 500
	payloadShown = 64 << 10
)

// firstEvents are so many events of a tree at most, in their order: what holds it up is among
// them.
func firstEvents(all []eventtree.Event, most int) []eventtree.Event {
	if len(all) <= most {
		return all
	}
	chosen := make([]bool, len(all))
	left := most
	choose := func(most int, wanted func(*eventtree.Event) bool) {
		for i := 0; i < len(all) && most > 0; i++ {
			if !chosen[i] && wanted(&all[i]) {
				chosen[i], left, most = true, left-1, most-1
			}
		}
	}
	choose(most/2, func(e *eventtree.Event) bool {
		return e.Root || e.Error != "" || !e.State.Over() && !slices.Contains(lining, e.State)
	})
	choose(left, func(*eventtree.Event) bool { return true })
	out := make([]eventtree.Event, 0, most)
	for i := range all {
		if chosen[i] {
			out = append(out, all[i])
		}
	}
	return out
}

// lining are the states of events that wait for others before them.
var lining = []eventtree.State{eventtree.Leaving, eventtree.Hopping, eventtree.Held, eventtree.Queued, eventtree.Behind, eventtree.Batched}

func showTree(q *request) error {
	partition, err := q.number("partition", 0)
	if err != nil {
		return err
	}
	offset, err := q.number("offset", 0)
	if err != nil {
		return err
	}
	name := q.r.PathValue("depot")
	if partition != int64(task.ID(partition)) { // it would be that of another
		return fmt.Errorf("depot %s of module %s, partition %d: %w", name, q.module, partition, client.ErrNoPartition)
	}
	trees, err := q.h.cluster.Tree(q.ctx, q.module, name, task.ID(partition), offset)
	if err != nil {
		return err
	}
	page := treePage{Module: q.module, Record: eventtree.Record{Module: q.module, Depot: name, Partition: task.ID(partition), Offset: offset}, Trees: trees, Hidden: map[string]int{}, Now: time.Now()}
	for i := range trees {
		t := &trees[i]
		shown := firstEvents(t.Events, eventsShown)
		page.Hidden[t.Topology+"/"+t.Source] = len(t.Events) - len(shown)
		t.Events = shown
	}
	page.read(q, partition)
	return q.show("tree", frame{
		Title: fmt.Sprintf("Record %d of %s, partition %d", offset, name, partition), Section: "trees", Crumbs: q.within(link{"Event trees", at("m", q.module, "trees")}),
		JSON: fmt.Sprintf("/modules/%s/depots/%s/records/%d/%d/trees", q.module, name, partition, offset),
	}, page)
}

// read has the page show the record itself, if who looks may read the depot.
func (p *treePage) read(q *request, partition int64) {
	if err := q.may("readDepot"); err != nil {
		p.Gone = "whoever looks may not read the depot: " + err.Error()
		return
	}
	records, err := q.h.cluster.ReadDepot(q.ctx, q.module, p.Record.Depot, int(partition), p.Record.Offset, p.Record.Offset+1)
	switch {
	case err != nil:
		p.Gone = err.Error()
	case len(records) == 0:
		p.Gone = "the offset holds no record"
	default:
		p.Payload = pretty(records[0].Value)
		if len(p.Payload) > payloadShown {
			p.Payload, p.Bytes = strings.ToValidUTF8(p.Payload[:payloadShown], "")+" …", len(records[0].Value)
		}
	}
}

// treeAddress is the address of a record's page.
func treeAddress(module string, r *eventtree.Record) string {
	return at("m", module, "trees", r.Depot, strconv.Itoa(int(r.Partition)), strconv.FormatInt(r.Offset, 10))
}

// treeState says how a tree or event is.
func treeState(s eventtree.State) state {
	switch s {
	case eventtree.Done, eventtree.Ended:
		return state{string(s), "good"}
	case eventtree.Failed, eventtree.Parked, eventtree.Rejected, eventtree.Dropped:
		return state{string(s), "bad"}
	case eventtree.Retrying, eventtree.Behind, eventtree.Held:
		return state{string(s), "warn"}
	}
	return state{string(s), "info"}
}
