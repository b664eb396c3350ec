package wire

import (
	"fmt"
	"strconv"
	"strings"
)

// InPosition is how far a task has applied the parcels of another: one line in its
// slot, written with what it applied.
type InPosition struct {
	Number uint64 // the events of the parcels up to this one are applied
	ID     ParcelID
	Index  int      // and of the next parcel so many
	PartID ParcelID // of that parcel, where Index is not zero
	// The acks of the parcels up to AckNumber are applied. They do not wait for
	// events that fail (R28).
	AckNumber uint64
	AckID     ParcelID
	// Attempt is the number of the attempt at the next event, from the second on (R20).
	Attempt int
}

// OutPosition is up to where a task's outbox to another is empty.
type OutPosition struct {
	Number uint64 // the parcels up to this one are confirmed and gone
	ID     ParcelID
}

// positionVersion opens the stored form of a position.
const positionVersion = "1"

// AppendText appends the stored form, one line that a person can read:
//
//	1 number=17 id=0b7e…c4/118.0 index=2 partid=0b7e…c4/119.0 acks=19 ackid=0b7e…c4/120.0 attempt=2
//
// id is left out when zero, acks and ackid when they are number and id, index with
// partid, and attempt, when zero.
func (p *InPosition) AppendText(dst []byte) []byte {
	dst = appendPosition(dst, p.Number, p.ID)
	if p.Index > 0 {
		dst = strconv.AppendInt(append(dst, " index="...), int64(p.Index), 10)
		dst = p.PartID.appendText(append(dst, " partid="...))
	}
	if p.AckNumber != p.Number {
		dst = strconv.AppendUint(append(dst, " acks="...), p.AckNumber, 10)
		dst = p.AckID.appendText(append(dst, " ackid="...))
	}
	if p.Attempt > 0 {
		dst = strconv.AppendInt(append(dst, " attempt="...), int64(p.Attempt), 10)
	}
	return dst
}

// AppendText appends the stored form:
//
//	1 number=12 id=0b7e…c4/98.0
func (p *OutPosition) AppendText(dst []byte) []byte { return appendPosition(dst, p.Number, p.ID) }

func appendPosition(dst []byte, number uint64, id ParcelID) []byte {
	dst = strconv.AppendUint(append(dst, positionVersion+" number="...), number, 10)
	if !id.IsZero() {
		dst = id.appendText(append(dst, " id="...))
	}
	return dst
}

// ParseInPosition reads an InPosition back.
func ParseInPosition(text string) (InPosition, error) {
	var p InPosition
	acks := false
	err := parseWords(text, words{
		"number":  func(v string) (err error) { p.Number, err = strconv.ParseUint(v, 10, 64); return err },
		"id":      func(v string) (err error) { p.ID, err = ParseParcelID(v); return err },
		"index":   func(v string) (err error) { p.Index, err = parsePositive(v); return err },
		"partid":  func(v string) (err error) { p.PartID, err = ParseParcelID(v); return err },
		"acks":    func(v string) (err error) { acks = true; p.AckNumber, err = strconv.ParseUint(v, 10, 64); return err },
		"ackid":   func(v string) (err error) { p.AckID, err = ParseParcelID(v); return err },
		"attempt": func(v string) (err error) { p.Attempt, err = parsePositive(v); return err },
	}, "number")
	switch {
	case err != nil:
		return InPosition{}, err
	case acks && (p.AckNumber <= p.Number || p.AckID.IsZero()):
		return InPosition{}, fmt.Errorf("position %q: acks are not ahead of number", text)
	case !acks && !p.AckID.IsZero(), (p.Number == 0) != p.ID.IsZero(), (p.Index == 0) != p.PartID.IsZero():
		return InPosition{}, fmt.Errorf("position %q: numbers and ids do not go together", text)
	}
	if !acks {
		p.AckNumber, p.AckID = p.Number, p.ID
	}
	return p, nil
}

// ParseOutPosition reads an OutPosition back.
func ParseOutPosition(text string) (OutPosition, error) {
	var p OutPosition
	err := parseWords(text, words{
		"number": func(v string) (err error) { p.Number, err = strconv.ParseUint(v, 10, 64); return err },
		"id":     func(v string) (err error) { p.ID, err = ParseParcelID(v); return err },
	}, "number")
	if err == nil && (p.Number == 0) != p.ID.IsZero() {
		err = fmt.Errorf("position %q: number and id do not go together", text)
	}
	return p, err
}

// words are the readers of a line "1 key=value …", by key.
type words map[string]func(value string) error

// parseWords reads a line of words, each of them once and the needed ones at least.
func parseWords(text string, readers words, needed ...string) error {
	all := strings.Split(text, " ")
	if all[0] != positionVersion {
		return fmt.Errorf("%q: format version is not %s", text, positionVersion)
	}
	for _, word := range all[1:] {
		key, value, _ := strings.Cut(word, "=")
		read := readers[key]
		if read == nil {
			return fmt.Errorf("%q: the word %q is unknown, or there twice", text, key)
		}
		if err := read(value); err != nil {
			return fmt.Errorf("%q: %w", text, err)
		}
		delete(readers, key)
	}
	for _, key := range needed {
		if readers[key] != nil {
			return fmt.Errorf("%q has no %s", text, key)
		}
	}
	return nil
}

func parsePositive(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err == nil && n < 1 {
		err = fmt.Errorf("%d is not above 0", n)
	}
	return n, err
}
