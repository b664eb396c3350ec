package wire

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Stage is what an attempt at a microbatch is to write on one task (R35). It lies in the
// slot, cut into chunks, until the microbatch is applied there, and counts only with its
// seal.
type Stage struct {
	Changes []store.Change // each table once
	Appends []StagedAppend
}

// StagedAppend is a record that the microbatch appends, when it is applied.
type StagedAppend struct {
	Step      string // or the source, whose handler made it
	Depot     string
	Topic     string // instead of Depot
	Partition task.ID
	Record    depot.Record // key, value and headers
	Seed      uint64
}

// Seal closes a stage: it is in the slot with the last of its chunks.
type Seal struct {
	Version int        `json:"version"`
	ID      uint64     `json:"id"`
	Token   task.Token `json:"token"`
	Chunks  int        `json:"chunks"`
	Records int64      `json:"records"`
	Ends    []SealEnd  `json:"ends,omitempty"`
}

// SealEnd is how far a source of the task is when the microbatch is applied.
type SealEnd struct {
	Source string `json:"source"`
	From   int64  `json:"from"`
	To     int64  `json:"to"`
	Epoch  int32  `json:"epoch"`
}

// Stamp names the microbatch that a task has applied last.
type Stamp struct {
	Version int        `json:"version"`
	ID      uint64     `json:"id"`
	Token   task.Token `json:"token"`
	Records int64      `json:"records"` // of the task's sources, in all microbatches so far
}

const stageVersion = 1

// AppendText appends the stored form.
func (s *Seal) AppendText(dst []byte) []byte {
	s.Version = stageVersion
	return appendJSON(dst, s)
}

// AppendText appends the stored form.
func (s *Stamp) AppendText(dst []byte) []byte {
	s.Version = stageVersion
	return appendJSON(dst, s)
}

func appendJSON(dst []byte, v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // of these types everything encodes
	}
	return append(dst, raw...)
}

// ParseSeal reads a seal back; the empty text is none.
func ParseSeal(text string) (s Seal, err error) {
	err = parseJSON(text, &s, &s.Version)
	return s, err
}

// ParseStamp reads a stamp back; the empty text is that of microbatch 0.
func ParseStamp(text string) (s Stamp, err error) {
	err = parseJSON(text, &s, &s.Version)
	return s, err
}

func parseJSON(text string, into any, version *int) error {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	if *version != stageVersion {
		return fmt.Errorf("%q: format version %d, this program reads %d", text, *version, stageVersion)
	}
	return nil
}

// What a chunk holds of.
const (
	stagedChange = 1
	stagedAppend = 2
)

// chunkBytes is about how large a chunk becomes: small enough that one field of a hash
// holds the server for little.
const chunkBytes = 64 << 10

// chunkSpare is what a chunk may take beyond that without growing: the last write, and the
// lengths that stand before fields and values.
const chunkSpare = 32 << 10

// Chunks calls f with each chunk of the stored form, and returns their number.
func (s *Stage) Chunks(f func(field string, raw string)) int {
	n := 0
	chunk := append(make([]byte, 0, min(s.bytes(), chunkBytes+chunkSpare)), stageVersion)
	flush := func(most int) {
		if len(chunk) > most {
			f(strconv.Itoa(n), string(chunk))
			n++
			chunk = chunk[:1] // the version
		}
	}
	for i := range s.Changes {
		c := &s.Changes[i]
		for first := 0; first < len(c.Writes) || first == 0; {
			last := first
			for size := 0; last < len(c.Writes) && size < chunkBytes; last++ {
				size += len(c.Writes[last].Field) + len(c.Writes[last].Value)
			}
			chunk = appendChange(chunk, c, c.Drop && first == 0, c.Writes[first:last])
			flush(chunkBytes)
			first = max(last, 1)
		}
	}
	for i := range s.Appends {
		chunk = appendStagedAppend(chunk, &s.Appends[i])
		flush(chunkBytes)
	}
	flush(1)
	return n
}

// bytes is about how long the stored form becomes.
func (s *Stage) bytes() int {
	n := 1
	for i := range s.Changes {
		n += 64 + len(s.Changes[i].Table.Key)
		for j := range s.Changes[i].Writes {
			w := &s.Changes[i].Writes[j]
			n += 4 + len(w.Field) + len(w.Value)
		}
	}
	for i := range s.Appends {
		n += 64 + len(s.Appends[i].Record.Value)
	}
	return n
}

func appendChange(dst []byte, c *store.Change, drop bool, writes []store.Write) []byte {
	dst = appendText(append(dst, stagedChange), c.Table.Key)
	dst = appendText(dst, c.Table.Index)
	dst = append(dst, byte(c.Table.Kind), flag(drop))
	dst = binary.AppendUvarint(dst, uint64(len(writes)))
	for i := range writes {
		w := &writes[i]
		dst = appendText(append(dst, flag(w.Delete)), w.Field)
		dst = appendText(dst, w.Value)
	}
	return dst
}

func flag(yes bool) byte {
	if yes {
		return 1
	}
	return 0
}

func appendStagedAppend(dst []byte, a *StagedAppend) []byte {
	dst = appendText(append(dst, stagedAppend), a.Step)
	dst = appendText(dst, a.Depot)
	dst = appendText(dst, a.Topic)
	dst = binary.AppendVarint(dst, int64(a.Partition))
	dst = binary.LittleEndian.AppendUint64(dst, a.Seed)
	dst = append(dst, flag(a.Record.Key != nil))
	dst = appendText(dst, string(a.Record.Key))
	dst = append(dst, flag(a.Record.Value != nil))
	dst = appendText(dst, string(a.Record.Value))
	dst = binary.AppendUvarint(dst, uint64(len(a.Record.Headers)))
	for _, h := range a.Record.Headers {
		dst = appendText(dst, h.Key)
		dst = appendText(dst, string(h.Value))
	}
	return dst
}

// ParseStage reads the chunks of a stage back, in their order.
func ParseStage(chunks []string) (*Stage, error) {
	s := &Stage{}
	at := map[string]int{}
	for i, raw := range chunks {
		p := parser{rest: []byte(raw)}
		if v := p.byte(); p.err == nil && v != stageVersion {
			return nil, fmt.Errorf("chunk %d of a stage: format version %d, this program reads %d", i, v, stageVersion)
		}
		for p.err == nil && len(p.rest) > 0 {
			switch p.byte() {
			case stagedChange:
				p.change(s, at)
			case stagedAppend:
				s.Appends = append(s.Appends, p.stagedAppend())
			default:
				p.fail("what a stage holds")
			}
		}
		if err := p.end("chunk " + strconv.Itoa(i) + " of a stage"); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (p *parser) change(s *Stage, at map[string]int) {
	t := store.Table{Key: p.text(), Index: p.text(), Kind: store.Kind(p.byte())}
	i, ok := at[t.Key]
	if !ok {
		i = len(s.Changes)
		at[t.Key] = i
		s.Changes = append(s.Changes, store.Change{Table: t})
	}
	c := &s.Changes[i]
	c.Drop = p.byte() != 0 || c.Drop
	for range p.count(3) {
		c.Writes = append(c.Writes, store.Write{Delete: p.byte() != 0, Field: p.text(), Value: p.text()})
	}
}

func (p *parser) stagedAppend() StagedAppend {
	a := StagedAppend{Step: p.text(), Depot: p.text(), Topic: p.text(), Partition: task.ID(p.varint()), Seed: p.fixed()}
	a.Record.Key = p.maybe()
	a.Record.Value = p.maybe()
	for range p.count(2) {
		a.Record.Headers = append(a.Record.Headers, depot.Header{Key: p.text(), Value: p.bytes()})
	}
	return a
}

// maybe reads bytes that may be none.
func (p *parser) maybe() []byte {
	there := p.byte() != 0
	b := p.bytes()
	if !there {
		return nil
	}
	return b
}

func (p *parser) token() (t task.Token) {
	if len(p.rest) < len(t) {
		p.fail("cut short")
		return t
	}
	copy(t[:], p.rest)
	p.rest = p.rest[len(t):]
	return t
}
