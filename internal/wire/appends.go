package wire

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/sender"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Appends of exactly-once topologies are numbered: a task counts those to each depot
// partition, keeps them in its slot until the log has them, and its next owner sends
// them again; whoever reads the partition drops the numbers that it has seen (R30).

// AppendsTable names the numbered appends of a task that the log may not have:
//
//	<depot>/<partition>          how far the numbers have come (AppendLine)
//	<depot>/<partition>/<number> appends of one commit, from that number on (KeptAppends)
//
// Those to topics that are no depots have one line, under TopicsLine and partition 0.
func AppendsTable(tag string) store.Table {
	return store.Table{Key: "{" + tag + "}:appends", Kind: store.Map}
}

// TopicsLine stands in the place of a depot's name for the appends to topics.
const TopicsLine = "*"

// SendersTable names how far each source has got with the numbered appends of each
// task: <topology>/<source>/<task> (sender.Position).
func SendersTable(tag string) store.Table {
	return store.Table{Key: "{" + tag + "}:senders", Kind: store.Map}
}

// AppendHeader is the header of a record that holds its AppendID.
const AppendHeader = "coppice-append"

// AppendID is what the record of a numbered append says of itself.
type AppendID struct {
	Module string
	Task   task.ID   // that appended it
	Line   uint32    // of the numbers; it changes when they begin at 1 again
	Number uint64    // of the task's appends to this partition, from 1
	Known  uint64    // when it was sent the log had all up to this number
	Commit task.Mark // that stored it; a number alone comes back after a lost tail
}

// Sent is what the receiving source looks at.
func (a *AppendID) Sent() sender.Append {
	return sender.Append{Line: a.Line, Number: a.Number, Known: a.Known, Token: a.Commit.Token}
}

// appendVersion opens the stored forms of this file.
const appendVersion = "1"

// AppendText appends the header's value, one line:
//
//	1 Orders 3 1f00aa7c 57 55 0b7e…c4/118
//
// version, module, task, line, number, known, commit.
func (a *AppendID) AppendText(dst []byte) []byte {
	dst = append(dst, appendVersion+" "...)
	dst = append(dst, a.Module...)
	dst = strconv.AppendInt(append(dst, ' '), int64(a.Task), 10)
	dst = sender.AppendLine(append(dst, ' '), a.Line)
	dst = strconv.AppendUint(append(dst, ' '), a.Number, 10)
	dst = strconv.AppendUint(append(dst, ' '), a.Known, 10)
	return append(append(dst, ' '), a.Commit.String()...)
}

// IDHeader names the id that a program gave to an append: any bytes, as they are.
const IDHeader = "coppice-id"

// FindRecordID reads the id that a program gave to a record; ok is false where it gave
// none.
func FindRecordID(r *depot.Record) (id string, ok bool) {
	for _, h := range r.Headers {
		if h.Key == IDHeader {
			return string(h.Value), true
		}
	}
	return "", false
}

// FindAppendID reads the id of a numbered append from its record; ok is false where
// the record is none.
func FindAppendID(r *depot.Record) (a AppendID, ok bool, err error) {
	for _, h := range r.Headers {
		if h.Key == AppendHeader {
			a, err = ParseAppendID(string(h.Value))
			return a, true, err
		}
	}
	return a, false, nil
}

// ParseAppendID reads the header's value.
func ParseAppendID(text string) (a AppendID, err error) {
	parts := strings.Split(text, " ")
	if len(parts) != 7 || parts[0] != appendVersion {
		return a, fmt.Errorf("header %s %q: want version %s and six parts", AppendHeader, text, appendVersion)
	}
	id, err := strconv.ParseUint(parts[2], 10, 16)
	if err == nil && id >= task.CountMax {
		err = fmt.Errorf("task %d, at most %d", id, task.CountMax-1)
	}
	a.Module, a.Task = parts[1], task.ID(id)
	if err == nil {
		a.Line, err = sender.ParseLine(parts[3])
	}
	if err == nil {
		a.Number, err = strconv.ParseUint(parts[4], 10, 64)
	}
	if err == nil {
		a.Known, err = strconv.ParseUint(parts[5], 10, 64)
	}
	if err == nil {
		a.Commit, err = task.ParseMark(parts[6])
	}
	if err == nil && a.Known >= a.Number {
		err = fmt.Errorf("number %d is known already", a.Number)
	}
	if err != nil {
		return AppendID{}, fmt.Errorf("header %s %q: %w", AppendHeader, text, err)
	}
	return a, nil
}

// AppendLine is how far a task has come with the appends to one partition.
type AppendLine struct {
	Line uint32 // drawn when the numbers begin
	Last uint64 // number of the last append
}

// AppendText appends the stored form: 1 line=1f00aa7c last=57
func (l *AppendLine) AppendText(dst []byte) []byte {
	dst = sender.AppendLine(append(dst, appendVersion+" line="...), l.Line)
	return strconv.AppendUint(append(dst, " last="...), l.Last, 10)
}

// ParseAppendLine reads an AppendLine back.
func ParseAppendLine(text string) (l AppendLine, err error) {
	line, last, ok := strings.Cut(strings.TrimPrefix(text, appendVersion+" line="), " last=")
	if !ok || !strings.HasPrefix(text, appendVersion+" line=") {
		return l, fmt.Errorf("%q: want version %s, a line and a number", text, appendVersion)
	}
	if l.Line, err = sender.ParseLine(line); err == nil {
		l.Last, err = strconv.ParseUint(last, 10, 64)
	}
	if err != nil {
		return AppendLine{}, fmt.Errorf("%q: %w", text, err)
	}
	return l, nil
}

// AppendField names a line in the appends table, and with a number the appends from
// that number on.
func AppendField(depot string, partition task.ID, number uint64) string {
	field := depot + "/" + partition.String()
	if number == 0 {
		return field
	}
	return field + "/" + strconv.FormatUint(number, 10)
}

// ParseAppendField reads the name of a field of the appends table; number is 0 for a
// line.
func ParseAppendField(field string) (depot string, partition task.ID, number uint64, err error) {
	parts := strings.Split(field, "/")
	if len(parts) != 2 && len(parts) != 3 {
		return "", 0, 0, fmt.Errorf("%q: want depot/partition or depot/partition/number", field)
	}
	id, err := strconv.ParseUint(parts[1], 10, 16)
	if err == nil && len(parts) == 3 {
		number, err = strconv.ParseUint(parts[2], 10, 64)
		if err == nil && number == 0 {
			err = fmt.Errorf("numbers begin at 1")
		}
	}
	if err != nil {
		return "", 0, 0, fmt.Errorf("%q: %w", field, err)
	}
	return parts[0], task.ID(id), number, nil
}

// KeptAppends are the appends of one commit to one partition.
type KeptAppends struct {
	Commit  task.Mark // that stored them
	Appends []KeptAppend
}

// KeptAppend is one numbered append as it stands in its task's slot.
type KeptAppend struct {
	Record depot.Record // key, value and headers
	// Topic is where it goes, if to a topic; Spread picks the partition where there is
	// no key.
	Topic  string
	Spread uint64
	// The group of records that waits for it, and the task that has it; Group is zero
	// where none does. Event is the append's id there.
	Root  task.ID
	Group uint64
	Event uint64
}

// Flags of a kept append.
const (
	keyedAppend = 1 << iota // a key follows
	groupAppend             // a group follows
	topicAppend             // a topic follows
	valueless               // the record has no value
)

// keptAppendsVersion opens the stored form of kept appends.
const keptAppendsVersion = 1

// Append appends the stored form (docs/formats/redis.md).
func (k *KeptAppends) Append(dst []byte) []byte {
	dst = appendMark(append(dst, keptAppendsVersion), k.Commit)
	dst = binary.AppendUvarint(dst, uint64(len(k.Appends)))
	for i := range k.Appends {
		a := &k.Appends[i]
		var flags byte
		if a.Record.Key != nil {
			flags |= keyedAppend
		}
		if a.Group != 0 {
			flags |= groupAppend
		}
		if a.Topic != "" {
			flags |= topicAppend
		}
		if a.Record.Value == nil {
			flags |= valueless
		}
		dst = append(dst, flags)
		if a.Record.Key != nil {
			dst = appendBytes(dst, a.Record.Key)
		}
		if a.Group != 0 {
			dst = binary.LittleEndian.AppendUint64(binary.AppendUvarint(dst, uint64(a.Root)), a.Group)
			dst = binary.LittleEndian.AppendUint64(dst, a.Event)
		}
		if a.Topic != "" {
			dst = binary.LittleEndian.AppendUint64(appendText(dst, a.Topic), a.Spread)
		}
		dst = appendBytes(dst, a.Record.Value)
		dst = binary.AppendUvarint(dst, uint64(len(a.Record.Headers)))
		for _, h := range a.Record.Headers {
			dst = appendBytes(appendText(dst, h.Key), h.Value)
		}
	}
	return dst
}

func appendBytes(dst, raw []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(raw))), raw...)
}

// ParseKeptAppends reads kept appends back; they share raw's memory.
func ParseKeptAppends(raw []byte) (KeptAppends, error) {
	p := parser{rest: raw}
	if v := p.byte(); p.err == nil && v != keptAppendsVersion {
		p.fail("kept appends of format version %d, this program reads %d", v, keptAppendsVersion)
	}
	k := KeptAppends{Commit: p.mark()}
	for range p.count(keptAppendBytesMin) {
		var a KeptAppend
		flags := p.byte()
		if flags&^(keyedAppend|groupAppend|topicAppend|valueless) != 0 {
			p.fail("flags %d of a kept append", flags)
		}
		if flags&keyedAppend != 0 {
			a.Record.Key = p.bytes()
		}
		if flags&groupAppend != 0 {
			a.Root, a.Group, a.Event = p.task(), p.fixed(), p.fixed()
		}
		if flags&topicAppend != 0 {
			a.Topic, a.Spread = p.text(), p.fixed()
		}
		if a.Record.Value = p.bytes(); flags&valueless != 0 {
			a.Record.Value = nil
		}
		for range p.count(headerBytesMin) {
			a.Record.Headers = append(a.Record.Headers, depot.Header{Key: p.text(), Value: p.bytes()})
		}
		k.Appends = append(k.Appends, a)
	}
	return k, p.end("kept appends")
}

// The least bytes of an entry.
const (
	keptAppendBytesMin = 3
	headerBytesMin     = 2
)

// TopicPosition is what a transaction of a task holds besides its records: up to
// where the task has written.
type TopicPosition struct {
	Line   uint32
	Number uint64    // of the task's appends to topics, from 1
	Commit task.Mark // that stored it
}

// AppendText appends the stored form:
//
//	1 line=1f00aa7c number=57 commit=0b7e…c4/118
func (p *TopicPosition) AppendText(dst []byte) []byte {
	dst = sender.AppendLine(append(dst, appendVersion+" line="...), p.Line)
	dst = strconv.AppendUint(append(dst, " number="...), p.Number, 10)
	return append(append(dst, " commit="...), p.Commit.String()...)
}

// ParseTopicPosition reads a position back.
func ParseTopicPosition(text string) (p TopicPosition, err error) {
	var line, commit string
	if n, err := fmt.Sscanf(text, appendVersion+" line=%s number=%d commit=%s", &line, &p.Number, &commit); n != 3 || err != nil {
		return TopicPosition{}, fmt.Errorf("position %q: want version %s, line, number and commit", text, appendVersion)
	}
	if p.Line, err = sender.ParseLine(line); err == nil {
		p.Commit, err = task.ParseMark(commit)
	}
	if err != nil {
		return TopicPosition{}, fmt.Errorf("position %q: %w", text, err)
	}
	return p, nil
}
