package module

import (
	"fmt"
	"time"
)

// Start says where a source begins on a partition that it has never read. It is
// resolved once; after that the source goes on where it left off, whatever the
// option says (promise 3.73).
type Start struct {
	Kind    StartKind
	After   time.Time     `json:",omitzero"`  // of StartAfter
	Records int64         `json:",omitempty"` // of StartRecordsAgo
	Ago     time.Duration `json:",omitempty"` // of StartTimeAgo
}

// StartKind is a way to choose a start.
type StartKind uint8

const (
	StartEnd        StartKind = iota // only records appended after the topology started (promise 3.67)
	StartBeginning                   // the first record there is (promise 3.68)
	StartAfter                       // the first record appended after a time (promise 3.69)
	StartRecordsAgo                  // a number of records back (promise 3.70)
	StartTimeAgo                     // an amount of time back (promise 3.71)
)

func startAt(at Start) SourceOption {
	return func(s *SourcePlan) {
		s.Start = at
		s.starts++
	}
}

// StartFromBeginning starts at the first record of the depot.
func StartFromBeginning() SourceOption {
	return startAt(Start{Kind: StartBeginning})
}

// StartFromTimestamp starts at the first record appended after t.
func StartFromTimestamp(t time.Time) SourceOption {
	return startAt(Start{Kind: StartAfter, After: t})
}

// StartFromRecordsAgo starts n records before the end of each partition, or at
// its first record if it has fewer.
func StartFromRecordsAgo(n int64) SourceOption {
	return startAt(Start{Kind: StartRecordsAgo, Records: n})
}

// StartFromTimeAgo starts at the first record appended within the last d before
// the start, by the clock of the worker that resolves it.
func StartFromTimeAgo(d time.Duration) SourceOption {
	return startAt(Start{Kind: StartTimeAgo, Ago: d})
}

// String prints a start.
func (s Start) String() string {
	switch s.Kind {
	case StartBeginning:
		return "the beginning"
	case StartAfter:
		return "after " + s.After.UTC().Format("2006-01-02T15:04:05.000Z")
	case StartRecordsAgo:
		return fmt.Sprintf("%d records ago", s.Records)
	case StartTimeAgo:
		return s.Ago.String() + " ago"
	}
	return "the end"
}
