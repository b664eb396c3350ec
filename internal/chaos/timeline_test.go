package chaos

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestTimelineIsReadAgain(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	timeline := NewTimeline(&text)
	timeline.Note("seen %d", 3)
	timeline.record(Entry{Event: Started, Fault: 1, Kind: RedisCut, Victim: "redis", Step: Begin, LateMillis: 5})
	if lines := strings.Count(text.String(), "\n"); lines != 2 {
		t.Errorf("%d lines, want 2:\n%s", lines, text.String())
	}
	// Of a process that was killed while it wrote.
	text.WriteString(`{"at":"2026-`)
	entries, err := ReadTimeline(&text)
	if err != nil || len(entries) != 2 {
		t.Fatalf("read %+v, %v", entries, err)
	}
	if e := entries[0]; e.Detail != "seen 3" || e.Event != Note || e.At.IsZero() {
		t.Errorf("the first line is %+v", e)
	}
	if e := entries[1]; e.Kind != RedisCut || e.LateMillis != 5 || e.At.Before(entries[0].At) {
		t.Errorf("the second line is %+v", e)
	}
	if _, err := ReadTimeline(strings.NewReader("{}\nnonsense\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a damaged line gives %v, want an error that names it", err)
	}
}

type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left == 0 {
		return 0, errors.New("the disk is full")
	}
	f.left--
	return len(p), nil
}

func TestTimelineKeepsItsFirstError(t *testing.T) {
	t.Parallel()
	timeline := NewTimeline(&full{left: 1})
	timeline.Note("one")
	if err := timeline.Err(); err != nil {
		t.Error(err)
	}
	timeline.Note("two")
	timeline.Note("three")
	if err := timeline.Err(); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("error %v", err)
	}
	var none *Timeline
	none.Note("into nothing")
	if err := none.Err(); err != nil {
		t.Error(err)
	}
}

func TestSpanCovers(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	span := Span{From: from, Until: from.Add(time.Minute)}
	for after, want := range map[time.Duration]bool{
		-1: false, 0: true, time.Second: true, time.Minute: true, time.Minute + 1: false,
	} {
		if got := span.Covers(from.Add(after)); got != want {
			t.Errorf("covers %v after its beginning: %t, want %t", after, got, want)
		}
	}
}
