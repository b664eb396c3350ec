package eventtree

import (
	"fmt"
	"strconv"
	"time"

	"github.com/coppice-run/coppice/task"
)

// ID tells the events of a tree apart; it is the same at each attempt. 0: none.
type ID uint64

func (id ID) String() string { return fmt.Sprintf("%016x", uint64(id)) }

// MarshalText writes 16 hexadecimal digits: programs that read JSON lose digits of large
// numbers.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads them back.
func (id *ID) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	if err != nil {
		return fmt.Errorf("event id %q: want 16 hexadecimal digits", text)
	}
	*id = ID(n)
	return nil
}

// Record names a record of a module.
type Record struct {
	Module    string  `json:"module"`
	Depot     string  `json:"depot"`
	Partition task.ID `json:"partition"`
	Offset    int64   `json:"offset"`
}

// String prints DEPOT/PARTITION@OFFSET.
func (r Record) String() string { return fmt.Sprintf("%s/%d@%d", r.Depot, r.Partition, r.Offset) }

// Tree is what is known of one record in one source.
type Tree struct {
	Record
	Topology string `json:"topology"`
	Source   string `json:"source"`
	State    State  `json:"state"`
	// Waits says in words what the tree waits for now; "" when it is over.
	Waits string `json:"waits,omitempty"`
	// Attempt is the number of the attempt under way, or of the last or next one; 0: none
	// is known.
	Attempt int `json:"attempt,omitempty"`
	// Since is when the attempt began, or the record came into its state; zero: not known.
	Since time.Time `json:"since,omitzero"`
	// Over is when it ended; zero: it has not, or that is not known.
	Over time.Time `json:"over,omitzero"`
	// Next is when it is tried again; zero: that hangs on something else than time.
	Next time.Time `json:"next,omitzero"`
	// Deadline is when the attempt fails for taking too long; zero: it does not.
	Deadline time.Time `json:"deadline,omitzero"`
	// Error is why the last attempt failed, or the record was parked, rejected or dropped.
	Error string `json:"error,omitempty"`
	// ID names the attempt's tree; 0: nothing has hopped.
	ID ID `json:"id,omitempty"`
	// Task is that of the record, and Worker its owner's address.
	Task   task.ID `json:"task"`
	Worker string  `json:"worker,omitempty"`
	// TraceID is that of the record's trace, "" if it has none.
	TraceID string `json:"traceID,omitempty"`
	// Microbatch is the one that has the record; 0: none.
	Microbatch uint64 `json:"microbatch,omitempty"`
	// Tasks are those that the attempt's events went to. With more than 64 tasks there may
	// be others among them whose numbers are the same modulo 64.
	Tasks []task.ID `json:"tasks,omitempty"`
	// Attempts are those that are over, as far as they were kept.
	Attempts []Attempt `json:"attempts,omitempty"`
	// Events are those that are known, parents before children, attempts in their order:
	// all that are under way, and of the ended ones those that a worker has kept.
	Events []Event `json:"events,omitempty"`
	// Stuck are the handlers that hold up tasks of the tree, whoever's events they run.
	Stuck []Handler `json:"stuck,omitempty"`
	// Complete: the events that are over are all here, too. Else some were not kept.
	Complete bool `json:"complete"`
	// Missing are tasks for which nobody answered, of a tree that was asked for by its record:
	// events that are with them are not here.
	Missing []Missing `json:"missing,omitempty"`
	// Slow: an attempt took longer than what its worker counts as slow.
	Slow bool `json:"slow,omitempty"`
}

// Attempt is one attempt at a record that is over.
type Attempt struct {
	Number int       `json:"number"`
	State  State     `json:"state"`
	Began  time.Time `json:"began,omitzero"` // zero: not known
	Over   time.Time `json:"over"`
	Error  string    `json:"error,omitempty"`
}

// Event is one event of a tree.
type Event struct {
	Topology string `json:"topology"`
	// Step is the name of the step, or of the source of a root event.
	Step string `json:"step"`
	Root bool   `json:"root,omitempty"`
	// Source is that of the record.
	Source  string `json:"source"`
	ID      ID     `json:"id"`
	Parent  ID     `json:"parent,omitempty"` // 0: of a root, or not known
	Tree    ID     `json:"tree,omitempty"`   // of the attempt, where the event is known by that alone; else 0
	Attempt int    `json:"attempt"`
	// Task is where the event runs, and Worker its owner's address.
	Task   task.ID `json:"task"`
	Worker string  `json:"worker,omitempty"`
	State  State   `json:"state"`
	// Waits says in words what it waits for; "" when it is over.
	Waits string `json:"waits,omitempty"`
	// Since is when it came into its state; zero: not known.
	Since time.Time `json:"since,omitzero"`
	// Next is when it is tried again; zero: that hangs on something else than time.
	Next time.Time `json:"next,omitzero"`
	// Began and Ran are when its handler began and ended, Committed when its batch was.
	Began     time.Time `json:"began,omitzero"`
	Ran       time.Time `json:"ran,omitzero"`
	Committed time.Time `json:"committed,omitzero"`
	// Batch names its commit: the owner's token and the commit's number; "": none yet.
	Batch string `json:"batch,omitempty"`
	// Hops are the events that it sent off.
	Hops int `json:"hops,omitempty"`
	// Error is why it failed.
	Error string `json:"error,omitempty"`
}

// Handler is one that runs, or holds its task up.
type Handler struct {
	Task     task.ID   `json:"task"`
	Worker   string    `json:"worker,omitempty"`
	Topology string    `json:"topology"`
	Step     string    `json:"step"` // or the source's name
	Root     bool      `json:"root,omitempty"`
	Source   string    `json:"source"` // of the record
	Record   Record    `json:"record"`
	Attempt  int       `json:"attempt"`
	Since    time.Time `json:"since"` // it began then or later
}

func (h Handler) String() string {
	kind := "step"
	if h.Root {
		kind = "source"
	}
	return fmt.Sprintf("%s %s of %s on task %d, for record %v", kind, h.Step, h.Topology, h.Task, h.Record)
}
