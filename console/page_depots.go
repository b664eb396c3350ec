package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/httpapi"
	"github.com/coppice-run/coppice/module"
)

// depotsPage lists the depots with who reads them.
type depotsPage struct {
	Module string
	Depots []depotRow
}

type depotRow struct {
	client.DepotInfo
	Readers []string // topologies
	End     int64    // records that it holds or held, where a source tells
}

func showDepots(q *request) error {
	d, err := q.h.cluster.Describe(q.ctx, q.module)
	if err != nil {
		return err
	}
	m, err := q.look()
	if err != nil {
		return err
	}
	page := depotsPage{Module: q.module}
	for _, info := range d.Depots {
		row := depotRow{DepotInfo: info}
		for _, t := range m.Topologies {
			for _, s := range t.Sources {
				if s.Depot == info.Name {
					row.Readers, row.End = append(row.Readers, t.Name), s.End
				}
			}
		}
		page.Depots = append(page.Depots, row)
	}
	return q.show("depots", frame{Title: "Depots", Lead: "What the module takes in: read it at any offset, and append to it.", Crumbs: q.within(), JSON: "/modules/" + q.module}, page)
}

// depotPage reads a partition of a depot.
type depotPage struct {
	client.DepotInfo
	Module    string
	Partition int
	Bounds    module.PartitionInfo
	From      int64
	Records   []depot.Record
	Older     string // addresses of the records before and behind these, "" where there are none
	Newer     string
	Newest    string
	List      []int // partitions
	Sources   []sourceAt
	Draft     string
}

// sourceAt is how far a source is in the partition.
type sourceAt struct {
	Topology string
	Next     int64
	Lag      int64
}

// recordsShown is how many records a page shows.
const recordsShown = 25

// draftMax is how long a record may be that stands in the form as an example of the next.
const draftMax = 16 << 10

func showDepot(q *request) error {
	name := q.r.PathValue("depot")
	d, err := q.h.cluster.Describe(q.ctx, q.module)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(d.Depots, func(p client.DepotInfo) bool { return p.Name == name })
	if i < 0 {
		return &httpapi.Problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("module %s has no depot %s", q.module, name), Mend: "choose one from the list of depots"}
	}
	page := depotPage{DepotInfo: d.Depots[i], Module: q.module}
	for p := range page.Partitions {
		page.List = append(page.List, p)
	}
	partition, err := q.number("partition", 0)
	if err != nil {
		return err
	}
	page.Partition = int(partition)
	if page.PeriodMillis == 0 {
		if err := q.readRecords(&page); err != nil {
			return err
		}
	}
	return q.show("depot", frame{Title: name, Lead: depotLead(&page.DepotInfo), Section: "depots", Crumbs: q.within(link{"Depots", at("m", q.module, "depots")}), JSON: "/modules/" + q.module + "/depots/" + name + "/records?partition=" + strconv.Itoa(page.Partition)}, page)
}

func depotLead(d *client.DepotInfo) string {
	if d.PeriodMillis > 0 {
		return "a tick every " + span(time.Duration(d.PeriodMillis)*time.Millisecond)
	}
	lead := "records of " + d.Type + ", as " + d.Codec + ", partitioned by " + d.Partitioning
	if d.Key != "" {
		lead += " of " + d.Key
	}
	return lead
}

func (q *request) readRecords(page *depotPage) (err error) {
	if page.Bounds, err = q.h.cluster.PartitionInfo(q.ctx, q.module, page.Name, page.Partition); err != nil {
		return err
	}
	newest := max(page.Bounds.Start, page.Bounds.End-recordsShown)
	if page.From, err = q.number("from", newest); err != nil {
		return err
	}
	page.From = min(max(page.From, page.Bounds.Start), page.Bounds.End)
	to := min(page.From+recordsShown, page.Bounds.End)
	if page.Records, err = q.h.cluster.ReadDepot(q.ctx, q.module, page.Name, page.Partition, page.From, to); err != nil {
		return err
	}
	slices.Reverse(page.Records)
	address := func(from int64) string {
		return query(at("m", q.module, "depots", page.Name), "partition", strconv.Itoa(page.Partition), "from", strconv.FormatInt(from, 10))
	}
	if page.From > page.Bounds.Start {
		page.Older = address(max(page.Bounds.Start, page.From-recordsShown))
	}
	if to < page.Bounds.End {
		page.Newer, page.Newest = address(to), query(at("m", q.module, "depots", page.Name), "partition", strconv.Itoa(page.Partition))
	}
	if len(page.Records) > 0 && page.Codec == "json" && len(page.Records[0].Value) <= draftMax {
		page.Draft = printable(page.Records[0].Value)
	}
	m, err := q.look()
	if err != nil {
		return err
	}
	for _, t := range m.Topologies {
		for _, s := range t.Sources {
			for _, p := range s.Partitions {
				if s.Depot == page.Name && int(p.Partition) == page.Partition {
					page.Sources = append(page.Sources, sourceAt{Topology: t.Name, Next: p.Next, Lag: p.Lag})
				}
			}
		}
	}
	return nil
}

func appendRecord(q *request) error {
	name := q.r.PathValue("depot")
	r := client.JSONRecord{Module: q.module, Depot: name, Data: json.RawMessage(q.value("data")), Level: module.AckAll}
	next := at("m", q.module, "depots", name)
	if text := q.value("into"); text != "" {
		n, err := q.number("into", 0)
		if err != nil {
			return err
		}
		partition := int32(n)
		r.Partition = &partition
		next = query(next, "partition", text)
	}
	if q.value("wait") == "append" {
		r.Level = module.AckAppend
	}
	if !json.Valid(r.Data) {
		return &httpapi.Problem{Status: http.StatusBadRequest, Detail: "the record is no JSON", Mend: "go back and mend it; a text is in quotes"}
	}
	done := "It is appended."
	return q.change(client.AuditEntry{Subject: "depot " + name, After: string(r.Data)}, next, done, func(ctx context.Context) error {
		_, err := q.h.cluster.AppendJSON(ctx, r)
		return err
	})
}
