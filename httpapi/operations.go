package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/overview"
	"github.com/coppice-run/coppice/task"
)

// operation is one thing that the API does.
type operation struct {
	id      string
	method  string
	pattern string // of http.ServeMux
	summary string
	query   []parameter
	body    reflect.Type // nil: none
	result  reflect.Type // of the answer
	lines   reflect.Type // of each line, where the answer may come as lines of JSON
	events  reflect.Type // of each event, where the answer is events
	codes   []string     // of the problems that are its own
	changes bool
	endless bool
	serve   func(*request) (any, error)
}

// parameter is one of the query.
type parameter struct {
	name string
	kind string // string or integer
	many bool
	doc  string
}

func (op *operation) parameter(name string) *parameter {
	for i := range op.query {
		if op.query[i].name == name {
			return &op.query[i]
		}
	}
	return nil
}

// What the answers hold.
type (
	modulesAnswer struct {
		Modules []client.ModuleInfo `json:"modules"`
	}
	tasksAnswer struct {
		Tasks []client.TaskInfo `json:"tasks"`
	}
	progressAnswer struct {
		Sources []client.SourceProgress `json:"sources"`
	}
	optionsAnswer struct {
		Options []client.OptionValue `json:"options"`
	}
	parkedAnswer struct {
		Records []client.ParkedRecord `json:"records"`
		Reasons []client.ParkedReason `json:"reasons"` // of all of them, the most frequent first
	}
	stateAnswer struct {
		State string `json:"state"`
	}
	switchAnswer struct {
		State   string    `json:"state"`
		Warning string    `json:"warning,omitempty"`
		Unheard []task.ID `json:"unheard,omitempty"` // tasks that have not said that they go by it
	}
	selectAnswer struct {
		Pages []client.SelectedPage `json:"pages"`
		More  bool                  `json:"more"` // the limit has ended it
	}
	oneAnswer struct {
		Task   task.ID         `json:"task"`
		Commit string          `json:"commit"`
		Value  json.RawMessage `json:"value"`
	}
	invokeAnswer struct {
		Result json.RawMessage `json:"result"`
	}
	overviewsAnswer struct {
		Modules []overview.Entry `json:"modules"`
	}
	treesAnswer struct {
		Trees []eventtree.Tree `json:"trees"`
	}
	listedTreesAnswer struct {
		Trees   []eventtree.Tree    `json:"trees"`
		Failing []eventtree.Failing `json:"failing"` // the errors of these trees, by source and text
		Missing []eventtree.Missing `json:"missing"` // for which nobody answered
	}
	auditAnswer struct {
		Entries []client.AuditEntry `json:"entries"`
	}
	recordsAnswer struct {
		Start   int64         `json:"start"` // first offset of the partition
		End     int64         `json:"end"`   // the one behind its last
		Records []depotRecord `json:"records"`
	}
	depotRecord struct {
		Offset  int64          `json:"offset"`
		Time    time.Time      `json:"time"`           // when it was appended
		Text    *string        `json:"text,omitempty"` // the stored form of the value, where it is text
		Key     []byte         `json:"key"`
		Value   []byte         `json:"value"` // its stored form
		Headers []depot.Header `json:"headers"`
	}
	appendAnswer struct {
		Place client.Place `json:"place"`
		Acks  module.Acks  `json:"acks"`
	}
)

// What requests hold.
type (
	appendBody struct {
		Data      json.RawMessage `json:"data,omitempty"`      // the record
		Stored    []byte          `json:"stored,omitempty"`    // its stored form instead, in base64
		Key       json.RawMessage `json:"key,omitempty"`       // in the place of the one that the depot finds in the record
		Partition *int32          `json:"partition,omitempty"` // whatever its key
		ID        string          `json:"id,omitempty"`        // of the append: made again with it, it has no effect
		AckLevel  string          `json:"ackLevel,omitempty"`  // ack (the default), appendAck or none
	}
	selectBody struct {
		Path  string    `json:"path,omitempty"`
		Tasks []task.ID `json:"tasks,omitempty"`
		Limit int       `json:"limit,omitempty"`
	}
	optionBody struct {
		Value string `json:"value"`
	}
	editBody struct {
		client.ParkedRef
		Value string `json:"value"` // the new value, in the depot's stored form
	}
	invokeBody struct {
		Argument json.RawMessage `json:"argument,omitempty"` // of the query; null if it is left out
	}
)

// Limits of a select that answers at once.
const (
	valuesDefault = 1000
	valuesMax     = 10_000

	recordsDefault = 50
	recordsMax     = 1000

	treesMax = 1000
)

var (
	pathParameters = []parameter{
		{name: "path", kind: "string", doc: "The path into the PState; without it the whole PState is one value."},
		{name: "task", kind: "integer", many: true, doc: "Tasks to read; default: that of the key that the path names, else all."},
	}
	limitParameter = parameter{name: "limit", kind: "integer", doc: fmt.Sprintf("Values at most; default %d, at most %d. As lines: no limit but this one.", valuesDefault, valuesMax)}
	scopeParams    = []parameter{
		{name: "topology", kind: "string", doc: "For this topology of the module."},
		{name: "depot", kind: "string", doc: "For this depot of the module."},
	}
	selectCodes = []string{"unknown_module", "unknown_pstate", "wrong_path", "wrong_type", "result_too_large", "placed_by_code", "unknown_task", "private", "moved"}
)

// operations is everything that the API does. Filled by init: openapi reads the table.
var operations []operation

func init() {
	operations = []operation{
		{
			id: "listModules", method: http.MethodGet, pattern: "/v1/modules", summary: "List the modules that have run on these servers",
			result: reflect.TypeFor[modulesAnswer](), serve: listModules,
		},
		{
			id: "describeModule", method: http.MethodGet, pattern: "/v1/modules/{module}", summary: "Tell what a running module declares: depots, PStates, topologies",
			result: reflect.TypeFor[client.Description](), codes: []string{"unknown_module"}, serve: describeModule,
		},
		{
			id: "listTasks", method: http.MethodGet, pattern: "/v1/modules/{module}/tasks", summary: "List the tasks of a module with their owners",
			result: reflect.TypeFor[tasksAnswer](), codes: []string{"unknown_module"}, serve: listTasks,
		},
		{
			id: "tellProgress", method: http.MethodGet, pattern: "/v1/modules/{module}/progress", summary: "Tell how far each source of a module is with its depot",
			query:  []parameter{{name: "topology", kind: "string", doc: "Of this topology only."}},
			result: reflect.TypeFor[progressAnswer](), codes: []string{"unknown_module", "unknown_topology"}, serve: tellProgress,
		},
		{
			id: "appendRecord", method: http.MethodPost, pattern: "/v1/modules/{module}/depots/{depot}/records", summary: "Append a record to a depot, and wait for its streams",
			body: reflect.TypeFor[appendBody](), result: reflect.TypeFor[appendAnswer](), changes: true, serve: appendRecord,
			codes: []string{"unknown_module", "unknown_depot", "unknown_partition", "wrong_record", "wrong_type", "appends_disallowed", "no_append_ids", "no_worker", "not_appended", "rejected", "failed", "acks_incomplete", "throttled", "outcome_unknown"},
		},
		{
			id: "select", method: http.MethodGet, pattern: "/v1/modules/{module}/pstates/{pstate}/select", summary: "Read what a path leads to",
			query: append(pathParameters[:len(pathParameters):len(pathParameters)], limitParameter), result: reflect.TypeFor[selectAnswer](),
			lines: reflect.TypeFor[client.SelectedPage](), codes: selectCodes, serve: selectGet,
		},
		{
			id: "selectLong", method: http.MethodPost, pattern: "/v1/modules/{module}/pstates/{pstate}/select", summary: "Read what a path leads to, for paths too long for an address",
			body: reflect.TypeFor[selectBody](), result: reflect.TypeFor[selectAnswer](), lines: reflect.TypeFor[client.SelectedPage](), codes: selectCodes, serve: selectPost,
		},
		{
			id: "selectOne", method: http.MethodGet, pattern: "/v1/modules/{module}/pstates/{pstate}/select-one", summary: "Read the one value that a path leads to",
			query: pathParameters, result: reflect.TypeFor[oneAnswer](), codes: append([]string{"none", "many"}, selectCodes...), serve: selectOne,
		},
		{
			id: "watch", method: http.MethodGet, pattern: "/v1/modules/{module}/pstates/{pstate}/watch", summary: "Tell what a path leads to, and each change of it, as server-sent events",
			query:  append(pathParameters[:len(pathParameters):len(pathParameters)], parameter{name: "limit", kind: "integer", doc: "Values at most; a watch holds up to 1,000."}),
			events: reflect.TypeFor[client.SelectionChange](), codes: append([]string{"too_many_watches"}, selectCodes...), endless: true, serve: watch,
		},
		{
			id: "invokeQuery", method: http.MethodPost, pattern: "/v1/modules/{module}/queries/{query}/invoke", summary: "Ask a query of a module",
			body: reflect.TypeFor[invokeBody](), result: reflect.TypeFor[invokeAnswer](), serve: invokeQuery,
			codes: []string{"unknown_module", "unknown_query", "wrong_argument", "query_failed", "query_late", "result_too_large", "no_worker"},
		},
		{
			id: "listOptions", method: http.MethodGet, pattern: "/v1/modules/{module}/options", summary: "List all options of a module and what holds",
			query: scopeParams, result: reflect.TypeFor[optionsAnswer](), codes: []string{"unknown_module", "unknown_topology", "wrong_place"}, serve: listOptions,
		},
		{
			id: "getOption", method: http.MethodGet, pattern: "/v1/modules/{module}/options/{option}", summary: "Tell the value of an option",
			query: scopeParams, result: reflect.TypeFor[client.OptionValue](), codes: []string{"unknown_module", "unknown_option", "unknown_topology", "wrong_place"}, serve: getOption,
		},
		{
			id: "setOption", method: http.MethodPut, pattern: "/v1/modules/{module}/options/{option}", summary: "Set an option; running workers take it at once",
			query: scopeParams, body: reflect.TypeFor[optionBody](), result: reflect.TypeFor[client.OptionValue](), changes: true,
			codes: []string{"unknown_module", "unknown_option", "unknown_topology", "wrong_place", "wrong_value"}, serve: setOption,
		},
		{
			id: "unsetOption", method: http.MethodDelete, pattern: "/v1/modules/{module}/options/{option}", summary: "Take the setting of an option back",
			query: scopeParams, result: reflect.TypeFor[client.OptionValue](), changes: true,
			codes: []string{"unknown_module", "unknown_option", "unknown_topology", "wrong_place"}, serve: unsetOption,
		},
		{
			id: "listParked", method: http.MethodGet, pattern: "/v1/modules/{module}/parked", summary: "List the records that were put aside",
			result: reflect.TypeFor[parkedAnswer](), codes: []string{"unknown_module"}, serve: listParked,
		},
		{
			id: "retryParked", method: http.MethodPost, pattern: "/v1/modules/{module}/parked/retry", summary: "Run a record that was put aside once more",
			body: reflect.TypeFor[client.ParkedRef](), result: reflect.TypeFor[stateAnswer](), changes: true, codes: []string{"unknown_module", "not_parked", "failed"}, serve: retryParked,
		},
		{
			id: "skipParked", method: http.MethodPost, pattern: "/v1/modules/{module}/parked/skip", summary: "Drop a record that was put aside, for good",
			body: reflect.TypeFor[client.ParkedRef](), result: reflect.TypeFor[stateAnswer](), changes: true, codes: []string{"unknown_module", "not_parked"}, serve: skipParked,
		},
		{
			id: "editParked", method: http.MethodPost, pattern: "/v1/modules/{module}/parked/edit", summary: "Replace the value of a record that was put aside",
			body: reflect.TypeFor[editBody](), result: reflect.TypeFor[stateAnswer](), changes: true, codes: []string{"unknown_module", "not_parked", "wrong_record"}, serve: editParked,
		},
		{
			id: "pauseTopology", method: http.MethodPost, pattern: "/v1/modules/{module}/topologies/{topology}/pause", summary: "Have a topology begin no record until it is resumed",
			result: reflect.TypeFor[switchAnswer](), changes: true, codes: []string{"unknown_module", "unknown_topology"}, serve: pauseTopology,
		},
		{
			id: "resumeTopology", method: http.MethodPost, pattern: "/v1/modules/{module}/topologies/{topology}/resume", summary: "Let a topology go on, whether it, its whole module or its workers were paused",
			result: reflect.TypeFor[switchAnswer](), changes: true, codes: []string{"unknown_module", "unknown_topology"}, serve: resumeTopology,
		},
		{
			id: "listOverviews", method: http.MethodGet, pattern: "/v1/overviews", summary: "Tell how all modules are: progress, rates, what stands still and what it waits for",
			result: reflect.TypeFor[overviewsAnswer](), serve: listOverviews,
		},
		{
			id: "tellOverview", method: http.MethodGet, pattern: "/v1/modules/{module}/overview", summary: "Tell how a module is: progress, rates, workers, tasks, what stands still and what it waits for",
			result: reflect.TypeFor[overview.Module](), codes: []string{"unknown_module"}, serve: tellOverview,
		},
		{
			id: "tellPlan", method: http.MethodGet, pattern: "/v1/modules/{module}/plan", summary: "Tell the plan of a module as a graph: depots, handlers, PStates, and what leads where",
			result: reflect.TypeFor[overview.Graph](), codes: []string{"unknown_module"}, serve: tellPlan,
		},
		{
			id: "listTrees", method: http.MethodGet, pattern: "/v1/modules/{module}/trees", summary: "List the records that are under way, the oldest first, and what each waits for",
			query: []parameter{
				{name: "depot", kind: "string", doc: "Only records of this depot."}, {name: "topology", kind: "string", doc: "Only trees of this topology."},
				{name: "state", kind: "string", many: true, doc: "Only trees in this state: open, retrying, parked, …"},
				{name: "recent", kind: "string", doc: "true: those that are over, too, as far as the workers have kept them."},
				{name: "limit", kind: "integer", doc: fmt.Sprintf("Trees at most; default 100, at most %d.", treesMax)},
			},
			result: reflect.TypeFor[listedTreesAnswer](), codes: []string{"unknown_module"}, serve: listTrees,
		},
		{
			id: "tellTrees", method: http.MethodGet, pattern: "/v1/modules/{module}/depots/{depot}/records/{partition}/{offset}/trees", summary: "Tell what a record has set off, event by event, and what it waits for",
			result: reflect.TypeFor[treesAnswer](), codes: []string{"unknown_module", "unknown_depot", "unknown_partition"}, serve: tellTrees,
		},
		{
			id: "readDepot", method: http.MethodGet, pattern: "/v1/modules/{module}/depots/{depot}/records", summary: "Read records of a partition of a depot",
			query: []parameter{
				{name: "partition", kind: "integer", doc: "The partition; default 0."},
				{name: "from", kind: "integer", doc: "The first offset; default: so that the newest records are read."},
				{name: "limit", kind: "integer", doc: fmt.Sprintf("Offsets at most; default %d, at most %d.", recordsDefault, recordsMax)},
			},
			result: reflect.TypeFor[recordsAnswer](), codes: []string{"unknown_module", "unknown_depot", "unknown_partition", "no_records", "out_of_range"}, serve: readDepot,
		},
		{
			id: "tellMicrobatches", method: http.MethodGet, pattern: "/v1/modules/{module}/topologies/{topology}/microbatches", summary: "Tell how far a microbatch topology is",
			result: reflect.TypeFor[client.MicrobatchInfo](), codes: []string{"unknown_module", "no_microbatches"}, serve: tellMicrobatches,
		},
		{
			id: "listAudit", method: http.MethodGet, pattern: "/v1/modules/{module}/audit", summary: "List what people changed of a module, the newest first",
			result: reflect.TypeFor[auditAnswer](), codes: []string{"unknown_module"}, serve: listAudit,
		},
		{
			id: "openAPI", method: http.MethodGet, pattern: "/v1/openapi.json", summary: "This API as an OpenAPI 3.1 document",
			serve: func(*request) (any, error) { return OpenAPI(), nil },
		},
	}
}
