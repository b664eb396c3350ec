package wire

import (
	"strconv"

	"github.com/coppice-run/coppice/task"
)

// ParkedRecord is the stored form of a record that was taken out of its stream
// for a person to decide, or of an event that was: one JSON object per field of the
// parked table (Field).
type ParkedRecord struct {
	Version    int    `json:"v"` // 1
	Topology   string `json:"topology"`
	Source     string `json:"source"`
	Partition  int32  `json:"partition"`
	Offset     int64  `json:"offset"`
	TimeMillis int64  `json:"time"` // append time
	// Key and value: as text where they are UTF-8, else in base64.
	KeyText  *string        `json:"key,omitempty"`
	KeyBytes []byte         `json:"keyBytes,omitempty"`
	Text     *string        `json:"value,omitempty"`
	Bytes    []byte         `json:"valueBytes,omitempty"`
	Headers  []ParkedHeader `json:"headers,omitempty"`
	Reason   string         `json:"reason"`
	Attempts int            `json:"attempts"`
	Edited   bool           `json:"edited,omitempty"` // its value is not the one in the depot

	// Of an event of an exactly-once topology, whose record is consumed: the step that it
	// goes to, its place in the record's tree, and the task that it lies on.
	Step  string  `json:"step,omitempty"`
	Event string  `json:"event,omitempty"`
	Task  task.ID `json:"task,omitempty"`
}

// Field names the parked record among those of its task: "<topology>/<source>/<offset>",
// of an event with "/<step>/<event>" behind it.
func (p *ParkedRecord) Field() string {
	return ParkedField(p.Topology, p.Source, p.Offset, p.Step, p.Event)
}

// ParkedField is the name of a parked record, or with a step and event of a parked
// event.
func ParkedField(topology, source string, offset int64, step, event string) string {
	field := topology + "/" + source + "/" + strconv.FormatInt(offset, 10)
	if event != "" {
		field += "/" + step + "/" + event
	}
	return field
}

// Ending is the stored form of how a record ended that was rejected or parked: JSON,
// one field of the endings table, "<topology>/<source>/<offset>".
type Ending struct {
	Version int     `json:"v"` // 1
	Outcome Outcome `json:"outcome"`
	Text    string  `json:"text"`
	Attempt int     `json:"attempt"`
}

// ParkedName is the name of the PState that keeps a task's parked records.
const ParkedName = "$$__parked"

// ParkedHeader is one header of a parked record.
type ParkedHeader struct {
	Key   string `json:"key"`
	Value []byte `json:"value"` // base64
}
