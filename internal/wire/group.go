package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/internal/progress"
)

// Group is the stored form of records of an exactly-once topology that are consumed
// and whose events are not all done: one field of the groups table, by its id in 16
// hexadecimal digits (R29).
type Group struct {
	Topology, Source string
	Xor              uint64 // of the ids of the events under way
	Offsets          []progress.Range
	Notes            []Note
}

// GroupField names a group in the groups table.
func GroupField(id uint64) string {
	const digits = 16
	text := strconv.FormatUint(id, 16)
	return strings.Repeat("0", digits-len(text)) + text
}

// ParseGroupField reads the id of a group.
func ParseGroupField(field string) (uint64, error) {
	id, err := strconv.ParseUint(field, 16, 64)
	if err != nil || len(field) != 16 {
		return 0, fmt.Errorf("%q is no id of a group", field)
	}
	return id, nil
}

// AppendText appends the stored form, one line:
//
//	1 source=words/sentences xor=00f1…9c offsets=5-6,9 notes=[{"offset":5,…}]
//
// notes, JSON to the end of the line, is left out where there are none.
func (g *Group) AppendText(dst []byte) []byte {
	dst = append(dst, positionVersion+" source="...)
	dst = append(dst, g.Topology...)
	dst = append(dst, '/')
	dst = append(dst, g.Source...)
	dst = append(dst, " xor="...)
	dst = append(dst, GroupField(g.Xor)...)
	dst = progress.AppendRanges(dst, " offsets=", g.Offsets)
	for i := range g.Notes {
		if i == 0 {
			dst = append(dst, " notes=["...)
		} else {
			dst = append(dst, ',')
		}
		dst = g.Notes[i].appendJSON(dst)
	}
	if len(g.Notes) > 0 {
		dst = append(dst, ']')
	}
	return dst
}

// appendJSON writes what storedNote reads, without reflection: a group is written anew
// with each commit that changes it.
func (n *Note) appendJSON(dst []byte) []byte {
	dst = strconv.AppendInt(append(dst, `{"offset":`...), n.Offset, 10)
	if n.Outcome != Done {
		dst = strconv.AppendUint(append(dst, `,"outcome":`...), uint64(n.Outcome), 10)
	}
	dst = appendJSONText(dst, `,"step":`, n.Step)
	dst = appendJSONText(dst, `,"text":`, n.Text)
	for i, r := range n.Returns {
		if i == 0 {
			dst = append(dst, `,"returns":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(append(dst, `{"ack":`...), uint64(r.Ack), 10)
		dst = base64.StdEncoding.AppendEncode(append(dst, `,"value":"`...), r.Value)
		dst = append(dst, `"}`...)
	}
	if len(n.Returns) > 0 {
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

func appendJSONText(dst []byte, key, text string) []byte {
	if text == "" {
		return dst
	}
	raw, err := json.Marshal(text)
	if err != nil {
		return dst // a string always has a JSON form
	}
	return append(append(dst, key...), raw...)
}

// storedNote is Note with the names of its stored form.
type storedNote struct {
	Offset  int64    `json:"offset"`
	Outcome Outcome  `json:"outcome,omitempty"`
	Step    string   `json:"step,omitempty"`
	Text    string   `json:"text,omitempty"`
	Returns []Return `json:"returns,omitempty"`
}

// ParseGroup reads a group back.
func ParseGroup(text string) (Group, error) {
	var g Group
	line, notes, noted := strings.Cut(text, " notes=")
	err := parseWords(line, words{
		"source": func(v string) error {
			g.Topology, g.Source, _ = strings.Cut(v, "/")
			if g.Topology == "" || g.Source == "" {
				return fmt.Errorf("%q is no topology/source", v)
			}
			return nil
		},
		"xor":     func(v string) (err error) { g.Xor, err = ParseGroupField(v); return err },
		"offsets": func(v string) (err error) { g.Offsets, err = progress.ParseRanges(v); return err },
	}, "source", "xor")
	if err == nil && noted {
		err = g.parseNotes(notes)
	}
	for i := 1; err == nil && i < len(g.Offsets); i++ {
		if g.Offsets[i].First <= g.Offsets[i-1].Last+1 {
			err = fmt.Errorf("%q: offsets are not in order, or not apart", text)
		}
	}
	if err != nil {
		return Group{}, fmt.Errorf("group: %w", err)
	}
	return g, nil
}

func (g *Group) parseNotes(text string) error {
	var stored []storedNote
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return fmt.Errorf("notes %q: %w", text, err)
	}
	for _, n := range stored {
		if !n.Outcome.ends() {
			return fmt.Errorf("notes %q: outcome %d", text, n.Outcome)
		}
		g.Notes = append(g.Notes, Note(n))
	}
	return nil
}
