package task

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Token names one ownership period of a task (R1). It is random: a counter
// goes back with a lost tail and could then equal a zombie's.
type Token [16]byte

// String prints the token as 32 hexadecimal digits.
func (t Token) String() string { return hex.EncodeToString(t[:]) }

// IsZero reports whether the token names no ownership period.
func (t Token) IsZero() bool { return t == Token{} }

// MarshalText is for texts that hold tokens: String.
func (t Token) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, t[:]), nil }

// UnmarshalText reads what MarshalText gives.
func (t *Token) UnmarshalText(text []byte) error {
	if len(text) != 2*len(t) {
		return fmt.Errorf("token %q: want %d hexadecimal digits", text, 2*len(t))
	}
	_, err := hex.Decode(t[:], text)
	return err
}

// Mark is a point in a slot's history: commit Number of the owner with Token.
type Mark struct {
	Token  Token
	Number uint64
}

// String prints the mark as "token/number".
func (m Mark) String() string {
	var space [2*len(m.Token) + 21]byte
	return string(m.Append(space[:0]))
}

// Append appends what String gives.
func (m Mark) Append(b []byte) []byte {
	b = append(hex.AppendEncode(b, m.Token[:]), '/')
	return strconv.AppendUint(b, m.Number, 10)
}

// Head is the value of a task's head key (R1): the last commit, the address of
// the worker that owns the task, and the mark that this ownership period
// replaced (R3; zero in the first period of a slot and until the note is made).
type Head struct {
	Mark
	Address  string
	Replaced Mark
}

// headVersion opens the stored form of a head.
const headVersion = "1"

// IsZero reports whether the head belongs to a slot that no one ever owned.
func (h Head) IsZero() bool { return h.Token.IsZero() }

// Covers reports whether a reader that sees this head may rest on what the
// mark names (R13): the same ownership period with a number at least as high,
// or the note of the period that replaced it covers it (R3).
func (h Head) Covers(m Mark) bool {
	if h.Token == m.Token {
		return h.Number >= m.Number
	}
	return !m.Token.IsZero() && h.Replaced.Token == m.Token && h.Replaced.Number >= m.Number
}

// String prints the stored form.
func (h Head) String() string { return string(h.AppendText(nil)) }

// AppendText appends the stored form of a head, one line that a person can
// read: version, token/number, address ("-" if none), replaced mark ("-" if
// none), separated by spaces.
//
//	1 0b7e…c4/118 127.0.0.1:7411 93aa…10/64
func (h Head) AppendText(dst []byte) []byte {
	dst = append(dst, headVersion...)
	dst = append(dst, ' ')
	dst = h.Mark.appendText(dst)
	dst = append(dst, ' ')
	if h.Address == "" {
		dst = append(dst, '-')
	} else {
		dst = append(dst, h.Address...)
	}
	dst = append(dst, ' ')
	if h.Replaced.Token.IsZero() {
		return append(dst, '-')
	}
	return h.Replaced.appendText(dst)
}

func (m Mark) appendText(dst []byte) []byte {
	dst = hex.AppendEncode(dst, m.Token[:])
	dst = append(dst, '/')
	return strconv.AppendUint(dst, m.Number, 10)
}

// ParseHead reads the stored form of a head. The empty text is the zero head.
func ParseHead(text string) (Head, error) {
	if text == "" {
		return Head{}, nil
	}
	parts := strings.Split(text, " ")
	if len(parts) != 4 {
		return Head{}, fmt.Errorf("head %q: %d parts, want 4", text, len(parts))
	}
	if parts[0] != headVersion {
		return Head{}, fmt.Errorf("head %q: format version %q, this program reads %q", text, parts[0], headVersion)
	}
	var head Head
	var err error
	if head.Mark, err = ParseMark(parts[1]); err != nil {
		return Head{}, fmt.Errorf("head %q: %w", text, err)
	}
	if parts[2] != "-" {
		head.Address = parts[2]
	}
	if parts[3] != "-" {
		if head.Replaced, err = ParseMark(parts[3]); err != nil {
			return Head{}, fmt.Errorf("head %q: %w", text, err)
		}
	}
	return head, nil
}

// ParseMark reads what Mark.String prints.
func ParseMark(text string) (Mark, error) {
	tokenText, numberText, ok := strings.Cut(text, "/")
	if !ok || len(tokenText) != 2*len(Token{}) {
		return Mark{}, fmt.Errorf("mark %q: want 32 hexadecimal digits, a slash and a number", text)
	}
	var mark Mark
	if _, err := hex.Decode(mark.Token[:], []byte(tokenText)); err != nil {
		return Mark{}, fmt.Errorf("mark %q: %w", text, err)
	}
	var err error
	if mark.Number, err = strconv.ParseUint(numberText, 10, 64); err != nil {
		return Mark{}, fmt.Errorf("mark %q: %w", text, err)
	}
	return mark, nil
}

// Lineage names one history of one server: its run id and replication id
// (R14). Two messages of equal lineage were committed on the same history,
// which is a prefix: nothing needs to be read to prove the earlier one. The
// zero lineage (ids hidden by the server) equals nothing.
type Lineage struct {
	Run         string
	Replication string
}

// Same reports whether both lineages are known and equal.
func (l Lineage) Same(other Lineage) bool { return l.Run != "" && l == other }
