package wire

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Between the parts of a tuple stands a tab. It is smaller than everything within a
// part, so that a part which begins another one comes first: in text, bytes up to
// the newline are written as a newline and a character for each.
const (
	partEnd    = '\t'
	partEscape = '\n'
	escapeBase = '0'
)

// Append appends the encoded form of a key. Errors: a key that has none, NaN and
// times outside of the years 0 to 9999 among them.
func (k *KeyType) Append(dst []byte, v reflect.Value) ([]byte, error) {
	switch k.Kind {
	case KeyText:
		if v.Kind() == reflect.String {
			return append(dst, v.String()...), nil
		}
		return append(dst, v.Bytes()...), nil
	case KeyInt:
		return appendInt(dst, v.Int()), nil
	case KeyUint:
		return appendPositive(dst, v.Uint()), nil
	case KeyBool:
		return appendBool(dst, v.Bool()), nil
	case KeyFloat:
		return appendFloat(dst, v.Float(), k.Bits)
	case KeyTime:
		return appendInstant(dst, v.Interface().(time.Time))
	case KeyBytes:
		for i := range v.Len() {
			b := byte(v.Index(i).Uint())
			dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
		}
		return dst, nil
	case KeyTuple:
		return k.appendTuple(dst, v)
	}
	return appendJSONKey(dst, v)
}

const hexDigits = "0123456789abcdef"

// appendJSONKey appends the JSON form; a string stands for itself, without quotes.
func appendJSONKey(dst []byte, v reflect.Value) ([]byte, error) {
	raw, err := json.Marshal(v.Interface())
	if err != nil {
		return dst, err
	}
	if len(raw) > 0 && raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return dst, err
		}
		return append(dst, text...), nil
	}
	return append(dst, raw...), nil
}

func (k *KeyType) appendTuple(dst []byte, v reflect.Value) (_ []byte, err error) {
	for i := range k.Parts {
		if i > 0 {
			dst = append(dst, partEnd)
		}
		if dst, err = k.Parts[i].Type.appendPart(dst, part(v, i)); err != nil {
			return dst, fmt.Errorf("%s: %w", k.Parts[i].Name, err)
		}
	}
	return dst, nil
}

// part is the i-th part of a tuple.
func part(v reflect.Value, i int) reflect.Value {
	if v.Kind() == reflect.Array {
		return v.Index(i)
	}
	return v.Field(i)
}

// appendPart appends one part of a tuple; those of a tuple in a tuple stand side by
// side with the others.
func (k *KeyType) appendPart(dst []byte, v reflect.Value) ([]byte, error) {
	start := len(dst)
	dst, err := k.Append(dst, v)
	if err != nil || k.Kind != KeyText && k.Kind != KeyJSON {
		return dst, err // nothing else holds bytes to escape
	}
	for _, b := range dst[start:] {
		if b <= partEscape {
			text := string(dst[start:])
			return appendPartText(dst[:start], text), nil
		}
	}
	return dst, nil
}

func appendPartText(dst []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		if b := text[i]; b <= partEscape {
			dst = append(dst, partEscape, escapeBase+b)
		} else {
			dst = append(dst, b)
		}
	}
	return dst
}

func parsePartText(text string) (string, bool) {
	if strings.IndexByte(text, partEscape) < 0 {
		for i := 0; i < len(text); i++ {
			if text[i] < partEscape {
				return "", false
			}
		}
		return text, true
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		b := text[i]
		if b == partEscape {
			if i++; i == len(text) || text[i] < escapeBase || text[i] > escapeBase+partEscape {
				return "", false
			}
			b = text[i] - escapeBase
		} else if b < partEscape {
			return "", false
		}
		out = append(out, b)
	}
	return string(out), true
}

// Parse reads an encoded key back into v, which is settable and of the key's Go
// type. Of all kinds but json it takes only what Append writes.
func (k *KeyType) Parse(text string, v reflect.Value) error {
	if k.Kind != KeyTuple {
		return k.parse(text, v)
	}
	rest, err := k.parseTuple(strings.Split(text, string(rune(partEnd))), v)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%q has %d parts too many for a key %v", text, len(rest), k)
	}
	return err
}

func (k *KeyType) parse(text string, v reflect.Value) error {
	ok := true
	switch k.Kind {
	case KeyText:
		if v.Kind() == reflect.String {
			v.SetString(text)
		} else {
			v.SetBytes([]byte(text))
		}
	case KeyInt:
		var s Segment
		if s, ok = parsed(text, SegmentInt); ok && !v.OverflowInt(s.Number) {
			v.SetInt(s.Number)
		} else {
			ok = false
		}
	case KeyUint:
		var s Segment
		if s, ok = parsed(text, SegmentUint); ok && !v.OverflowUint(uint64(s.Number)) {
			v.SetUint(uint64(s.Number))
		} else {
			ok = false
		}
	case KeyBool:
		var s Segment
		s, ok = parsed(text, SegmentBool)
		v.SetBool(s.Number != 0)
	case KeyFloat:
		var x float64
		x, ok = parseFloat(text, k.Bits)
		v.SetFloat(x)
	case KeyTime:
		var t time.Time
		t, ok = parseInstant(text)
		v.Set(reflect.ValueOf(t))
	case KeyBytes:
		ok = parseBytes(text, v)
	default:
		return parseJSONKey(text, v)
	}
	if !ok {
		return fmt.Errorf("%q is no encoded %v", text, k)
	}
	return nil
}

func parsed(text string, kind SegmentKind) (Segment, bool) {
	s, err := ParseElement(text, kind)
	return s, err == nil
}

func parseBytes(text string, v reflect.Value) bool {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != v.Len() || strings.ToLower(text) != text {
		return false
	}
	for i, b := range raw {
		v.Index(i).SetUint(uint64(b))
	}
	return true
}

func parseJSONKey(text string, v reflect.Value) error {
	err := json.Unmarshal([]byte(text), v.Addr().Interface())
	if err == nil {
		return nil
	}
	quoted, _ := json.Marshal(text)
	if json.Unmarshal(quoted, v.Addr().Interface()) != nil {
		return fmt.Errorf("%q is no %v: %w", text, v.Type(), err)
	}
	return nil
}

// parseTuple reads the parts of a tuple and returns those behind it.
func (k *KeyType) parseTuple(texts []string, v reflect.Value) ([]string, error) {
	for i := range k.Parts {
		p := &k.Parts[i].Type
		if p.Kind == KeyTuple {
			rest, err := p.parseTuple(texts, part(v, i))
			if err != nil {
				return nil, err
			}
			texts = rest
			continue
		}
		if len(texts) == 0 {
			return nil, fmt.Errorf("the key ends before its part %s: it is no %v", k.Parts[i].Name, k)
		}
		text := texts[0]
		if p.Kind == KeyText || p.Kind == KeyJSON {
			plain, ok := parsePartText(text)
			if !ok {
				return nil, fmt.Errorf("%q is no part of an encoded tuple", text)
			}
			text = plain
		}
		if err := p.parse(text, part(v, i)); err != nil {
			return nil, fmt.Errorf("%s: %w", k.Parts[i].Name, err)
		}
		texts = texts[1:]
	}
	return texts, nil
}
