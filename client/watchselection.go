package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/coppice-run/coppice/internal/navtext"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// SelectionChange is what a watch of a selection tells: what the path leads to now, and
// which values have come and gone since the last change. Of a path that ends with entries
// these are the entries that have changed.
type SelectionChange struct {
	Commits map[task.ID]string `json:"commits"` // that the values are of, by task
	Values  []json.RawMessage  `json:"values"`
	Added   []json.RawMessage  `json:"added"`   // all of them, in the first
	Removed []json.RawMessage  `json:"removed"` // none, in the first
}

// WatchSelection watches what a path leads to, as Watch does: up to 1,000 values.
func (c *Client) WatchSelection(ctx context.Context, s Selection, options WatchOptions) iter.Seq2[SelectionChange, error] {
	all := watchOf(ctx, c, options, sameValues, func(w *watch) ([]json.RawMessage, error) {
		values, err := c.selectSeen(ctx, s, w.note)
		w.torn = false // what differs is of several pages, or was read again by the selection
		return values, err
	})
	return func(yield func(SelectionChange, error) bool) {
		var last []json.RawMessage
		for change, err := range all {
			if err != nil {
				yield(SelectionChange{}, err)
				return
			}
			out := SelectionChange{Commits: map[task.ID]string{}, Values: change.Value, Added: without(change.Value, last), Removed: without(last, change.Value)}
			for id, mark := range change.Commits {
				out.Commits[id] = mark.String()
			}
			last = change.Value
			if !yield(out, nil) {
				return
			}
		}
	}
}

// selectSeen reads a selection whole.
func (c *Client) selectSeen(ctx context.Context, s Selection, seen func(store.Slot, task.Mark)) ([]json.RawMessage, error) {
	q, err := c.selecting(ctx, &s)
	if err != nil {
		return nil, err
	}
	q.seen = seen
	values := []json.RawMessage{}
	for _, id := range q.tasks {
		if q.left == 0 {
			break
		}
		q.task(id, func(page SelectedPage, wrong error) bool {
			values, err = append(values, page.Values...), wrong
			if err == nil && len(values) > store.ElementsMax {
				err = &PathError{Path: s.Path, At: len(s.Path), Kind: navtext.ErrTooLarge, Text: fmt.Sprintf("a watch holds at most %d values; narrow it with a range, a filter or limit", store.ElementsMax)}
			}
			return err == nil
		})
		if err != nil {
			return nil, err
		}
	}
	return values, nil
}

func sameValues(a, b []json.RawMessage) bool {
	return slices.EqualFunc(a, b, func(x, y json.RawMessage) bool { return bytes.Equal(x, y) })
}

// without are the values that are not among others, each counted.
func without(values, others []json.RawMessage) []json.RawMessage {
	left := map[string]int{}
	for _, v := range others {
		left[string(v)]++
	}
	out := []json.RawMessage{}
	for _, v := range values {
		if left[string(v)] > 0 {
			left[string(v)]--
			continue
		}
		out = append(out, v)
	}
	return out
}
