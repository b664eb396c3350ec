package navtext

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/coppice-run/coppice/internal/wire"
)

// ParseKey reads the JSON of a key. In it
//
//	text is a string, or {"base64":"…"} where it is not UTF-8
//	integers and floats are numbers, infinite ones "Infinity" and "-Infinity"
//	times are texts: "2013-01-01T05:15:00Z"
//	arrays of bytes are hexadecimal digits: "ab01"
//	structs are objects by the names of their Go fields, or arrays of these; arrays are arrays
//	others are what they are in JSON
func ParseKey(k *wire.KeyType, raw json.RawMessage) (reflect.Value, error) {
	v := reflect.New(k.GoType()).Elem()
	return v, setKey(v, k, raw)
}

func setKey(v reflect.Value, k *wire.KeyType, raw json.RawMessage) error {
	switch k.Kind {
	case wire.KeyText:
		text, err := textOf(raw)
		v.SetString(text)
		return err
	case wire.KeyInt, wire.KeyUint, wire.KeyBool:
		if json.Unmarshal(raw, v.Addr().Interface()) != nil || bytes.Equal(raw, null) {
			return fmt.Errorf("%s is no %v", raw, k)
		}
	case wire.KeyFloat:
		return setFloat(v, k, raw)
	case wire.KeyTime:
		var t time.Time
		if json.Unmarshal(raw, &t) != nil || bytes.Equal(raw, null) {
			return fmt.Errorf("%s is no time; write it like \"2013-01-01T05:15:00Z\"", raw)
		}
		v.Set(reflect.ValueOf(t))
	case wire.KeyBytes:
		var text string
		if json.Unmarshal(raw, &text) != nil || len(text) != 2*k.Bytes {
			return fmt.Errorf("%s is no array of %d bytes; write two hexadecimal digits for each, in quotes", raw, k.Bytes)
		}
		all, err := hex.DecodeString(text)
		for i, b := range all {
			v.Index(i).SetUint(uint64(b))
		}
		return err
	case wire.KeyTuple:
		return setTuple(v, k, raw)
	default:
		v.SetString(string(raw))
	}
	return nil
}

var null = []byte("null")

func textOf(raw json.RawMessage) (string, error) {
	var text *string
	if json.Unmarshal(raw, &text) == nil && text != nil {
		return *text, nil
	}
	var other struct{ Base64 *[]byte }
	if json.Unmarshal(raw, &other) == nil && other.Base64 != nil {
		return string(*other.Base64), nil
	}
	return "", fmt.Errorf("%s is no text; put it in quotes: %s", raw, strconv.Quote(string(raw)))
}

func setFloat(v reflect.Value, k *wire.KeyType, raw json.RawMessage) error {
	switch string(raw) {
	case `"Infinity"`:
		v.SetFloat(math.Inf(1))
		return nil
	case `"-Infinity"`:
		v.SetFloat(math.Inf(-1))
		return nil
	}
	if json.Unmarshal(raw, v.Addr().Interface()) != nil || bytes.Equal(raw, null) {
		return fmt.Errorf("%s is no %v", raw, k)
	}
	return nil
}

func setTuple(v reflect.Value, k *wire.KeyType, raw json.RawMessage) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || list == nil {
		var object map[string]json.RawMessage
		if k.Array() || json.Unmarshal(raw, &object) != nil || object == nil {
			return fmt.Errorf("%s is no %v; write its parts as an array", raw, k)
		}
		for i := range k.Parts {
			part, ok := object[k.Parts[i].Name]
			if !ok {
				return fmt.Errorf("%s lacks the part %s of a key %v", raw, k.Parts[i].Name, k)
			}
			list = append(list, part)
		}
		if len(object) > len(list) {
			return fmt.Errorf("%s has other parts than a key %v", raw, k)
		}
	}
	if len(list) != len(k.Parts) {
		return fmt.Errorf("%s has %d parts, a key %v has %d", raw, len(list), k, len(k.Parts))
	}
	for i := range k.Parts {
		part := reflect.Value{}
		if v.Kind() == reflect.Array {
			part = v.Index(i)
		} else {
			part = v.Field(i)
		}
		if err := setKey(part, &k.Parts[i].Type, list[i]); err != nil {
			return fmt.Errorf("%s: %w", k.Parts[i].Name, err)
		}
	}
	return nil
}

// segmentOf is the path segment of a key.
func segmentOf(k *wire.KeyType, raw json.RawMessage) (wire.Segment, error) {
	v, err := ParseKey(k, raw)
	if err != nil {
		return wire.Segment{}, err
	}
	text, err := k.Append(nil, v)
	return wire.Segment{Kind: wire.SegmentEncoded, Text: string(text)}, err
}

// keyJSON is the JSON of an encoded key, as ParseKey reads it.
func keyJSON(k *wire.KeyType, field string) (json.RawMessage, error) {
	v := reflect.New(k.GoType()).Elem()
	if err := k.Parse(field, v); err != nil {
		return nil, err
	}
	return appendKeyJSON(nil, k, v)
}

func appendKeyJSON(dst []byte, k *wire.KeyType, v reflect.Value) ([]byte, error) {
	switch k.Kind {
	case wire.KeyText:
		return appendText(dst, v.String()), nil
	case wire.KeyFloat:
		if math.IsInf(v.Float(), 0) {
			return append(dst, map[bool]string{true: `"Infinity"`, false: `"-Infinity"`}[v.Float() > 0]...), nil
		}
	case wire.KeyBytes:
		all := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(all), v)
		return append(append(append(dst, '"'), hex.EncodeToString(all)...), '"'), nil
	case wire.KeyTuple:
		return appendTupleJSON(dst, k, v)
	case wire.KeyJSON:
		if v.String() == "" {
			return dst, errors.New("an empty key")
		}
		return append(dst, v.String()...), nil
	}
	raw, err := json.Marshal(v.Interface())
	return append(dst, raw...), err
}

func appendTupleJSON(dst []byte, k *wire.KeyType, v reflect.Value) (_ []byte, err error) {
	array := v.Kind() == reflect.Array
	open, shut := byte('{'), byte('}')
	if array {
		open, shut = '[', ']'
	}
	dst = append(dst, open)
	for i := range k.Parts {
		if i > 0 {
			dst = append(dst, ',')
		}
		part := reflect.Value{}
		if array {
			part = v.Index(i)
		} else {
			dst = append(strconv.AppendQuote(dst, k.Parts[i].Name), ':')
			part = v.Field(i)
		}
		if dst, err = appendKeyJSON(dst, &k.Parts[i].Type, part); err != nil {
			return dst, err
		}
	}
	return append(dst, shut), nil
}

// appendText appends a text as JSON.
func appendText(dst []byte, text string) []byte {
	if !utf8.ValidString(text) {
		dst = append(dst, `{"base64":"`...)
		return append(base64.StdEncoding.AppendEncode(dst, []byte(text)), `"}`...)
	}
	raw, _ := json.Marshal(text) // a string that is UTF-8
	return append(dst, raw...)
}
