package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/task"
)

func listOverviews(q *request) (any, error) {
	all, err := q.h.config.Overview.All(q.ctx)
	return overviewsAnswer{some(all)}, err
}

func tellOverview(q *request) (any, error) {
	return q.h.config.Overview.Module(q.ctx, q.path("module"))
}

func tellPlan(q *request) (any, error) {
	return q.h.config.Overview.Graph(q.ctx, q.path("module"))
}

func tellMicrobatches(q *request) (any, error) {
	return q.client().Microbatches(q.ctx, q.path("module"), q.path("topology"))
}

// readDepot reads the offsets that are asked for, or the newest ones.
func readDepot(q *request) (any, error) {
	partition, err := q.number("partition", 0, 0, 1<<20)
	if err != nil {
		return nil, err
	}
	limit, err := q.number("limit", recordsDefault, 1, recordsMax)
	if err != nil {
		return nil, err
	}
	module, name := q.path("module"), q.path("depot")
	bounds, err := q.client().PartitionInfo(q.ctx, module, name, partition)
	if err != nil {
		return nil, err
	}
	from := max(bounds.Start, bounds.End-int64(limit))
	if text := q.query("from"); text != "" {
		if from, err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, &Problem{Code: "wrong_parameter", Status: http.StatusBadRequest, Where: "query from", Detail: fmt.Sprintf("%q is no offset", text), Mend: "give a whole number, or leave the parameter out"}
		}
	}
	out := recordsAnswer{Start: bounds.Start, End: bounds.End, Records: []depotRecord{}}
	records, err := q.client().ReadDepot(q.ctx, module, name, partition, from, max(from, min(from+int64(limit), bounds.End)))
	if err != nil {
		return nil, err
	}
	for i := range records {
		r := &records[i]
		one := depotRecord{Offset: r.Offset, Time: r.Time, Key: r.Key, Value: r.Value, Headers: r.Headers}
		if utf8.Valid(r.Value) {
			text := string(r.Value)
			one.Text = &text
		}
		out.Records = append(out.Records, one)
	}
	return out, nil
}

func listTrees(q *request) (any, error) {
	limit, err := q.number("limit", 100, 1, treesMax)
	if err != nil {
		return nil, err
	}
	filter := client.TreeFilter{Depot: q.query("depot"), Topology: q.query("topology"), Recent: q.query("recent") == "true", Limit: limit}
	for _, s := range q.r.URL.Query()["state"] {
		filter.States = append(filter.States, eventtree.State(s))
	}
	list, err := q.client().ListTrees(q.ctx, q.path("module"), filter)
	return listedTreesAnswer{some(list.Trees), some(eventtree.FailingOf(list.Trees)), some(list.Missing)}, err
}

func tellTrees(q *request) (any, error) {
	partition, errPartition := strconv.ParseInt(q.path("partition"), 10, 32)
	offset, errOffset := strconv.ParseInt(q.path("offset"), 10, 64)
	if errPartition != nil || errOffset != nil || offset < 0 {
		return nil, &Problem{Code: "wrong_parameter", Status: http.StatusBadRequest, Where: "path", Detail: fmt.Sprintf("%s@%s is no place of a record", q.path("partition"), q.path("offset")), Mend: "give a partition and an offset"}
	}
	all, err := q.client().Tree(q.ctx, q.path("module"), q.path("depot"), task.ID(partition), offset)
	return treesAnswer{some(all)}, err
}
