package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// Event is what a line of a timeline tells.
type Event string

const (
	Started Event = "started" // a step begins
	Done    Event = "done"    // a step has succeeded
	Failed  Event = "failed"  // a step has not
	Skipped Event = "skipped" // a fault that could not begin in time
	Note    Event = "note"    // something else, in Detail
)

// Entry is one line of a timeline, in JSON.
type Entry struct {
	At         time.Time `json:"at"` // wall clock, UTC
	Event      Event     `json:"event"`
	Fault      int       `json:"fault,omitempty"` // its number in the plan; 0 for notes
	Kind       Kind      `json:"kind,omitempty"`
	Victim     string    `json:"victim,omitempty"`
	Step       Step      `json:"step,omitempty"`
	LateMillis int64     `json:"lateMillis,omitempty"` // of the beginning, against the plan
	Detail     string    `json:"detail,omitempty"`
	Error      string    `json:"error,omitempty"`
}

// Timeline records what happens to a writer, a line at once. Its methods may be
// called from any goroutine; a nil Timeline records nothing.
type Timeline struct {
	mu     sync.Mutex
	writer io.Writer
	err    error
}

// NewTimeline records to a writer, which it does not close.
func NewTimeline(writer io.Writer) *Timeline { return &Timeline{writer: writer} }

// Note records something beside the faults, such as what a checker has seen.
func (t *Timeline) Note(format string, args ...any) {
	t.record(Entry{Event: Note, Detail: fmt.Sprintf(format, args...)})
}

// Err is the first error of the writer; what came behind it is not recorded.
func (t *Timeline) Err() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

func (t *Timeline) record(entry Entry) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	// Taken under the lock: the lines come in the order of their times.
	entry.At = time.Now().UTC()
	line, err := json.Marshal(entry)
	if err == nil && t.err == nil {
		_, err = t.writer.Write(append(line, '\n'))
	}
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("chaos: write the timeline: %w", err)
	}
}

// ReadTimeline reads what a Timeline has written. A last line without its end,
// of a process that was killed, is left out.
func ReadTimeline(reader io.Reader) ([]Entry, error) {
	text, err := io.ReadAll(reader)
	if err != nil {
		return nil, fmt.Errorf("chaos: read the timeline: %w", err)
	}
	var entries []Entry
	for number := 1; ; number++ {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			return entries, nil
		}
		text = rest
		var entry Entry
		if err := json.Unmarshal(line, &entry); err != nil {
			return nil, fmt.Errorf("chaos: line %d of the timeline: %w", number, err)
		}
		entries = append(entries, entry)
	}
}

// Span is the time of one fault, as it was.
type Span struct {
	Fault  int
	Kind   Kind
	Victim string
	From   time.Time // when its beginning started
	Until  time.Time // when its mending was done; zero if it never was
}

// Covers says whether the fault was under way at a time.
func (s Span) Covers(at time.Time) bool {
	return !at.Before(s.From) && (s.Until.IsZero() || !at.After(s.Until))
}

// Spans are the faults of a timeline that have begun, by their beginning.
func Spans(entries []Entry) []Span {
	var spans []Span
	at := map[int]int{}
	for _, entry := range entries {
		switch {
		case entry.Event == Started && entry.Step == Begin:
			at[entry.Fault] = len(spans)
			spans = append(spans, Span{Fault: entry.Fault, Kind: entry.Kind, Victim: entry.Victim, From: entry.At})
		case entry.Event == Done && entry.Step == Mend:
			if i, begun := at[entry.Fault]; begun {
				spans[i].Until = entry.At
			}
		}
	}
	return spans
}
