package wire

// ParkedRecord is the stored form of a record that was taken out of its stream
// for a person to decide: one JSON object per field of the parked table, under
// "<topology>/<source>/<offset>".
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
}

// ParkedName is the name of the PState that keeps a task's parked records.
const ParkedName = "$$__parked"

// ParkedHeader is one header of a parked record.
type ParkedHeader struct {
	Key   string `json:"key"`
	Value []byte `json:"value"` // base64
}
