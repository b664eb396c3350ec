package navtext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Path is a path whose grammar is right.
type Path struct {
	text  string
	steps []step
}

// step is one step of a path.
type step struct {
	name string
	at   int // byte of the text
	args []argument
	cond *condition // of filter, filterNot and if
	ways []way      // paths that are arguments
}

// way is a path within a path.
type way struct {
	steps []step
	at    int
}

// argument is a JSON value.
type argument struct {
	raw json.RawMessage
	at  int
}

// condition is what a filter looks at.
type condition struct {
	steps []step
	at    int
	op    string // "": whether the path leads anywhere
	opAt  int
	value argument
}

// Limits of a path.
const (
	textMax  = 16 << 10 // bytes
	depthMax = 16       // paths within paths
)

// Parse reads a path. Errors: *Error.
func Parse(text string) (*Path, error) {
	p := &parser{text: text}
	if len(text) > textMax {
		return nil, p.wrong(0, "a path has at most %d bytes, this one %d", textMax, len(text))
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r == utf8.RuneError }); i >= 0 && !utf8.ValidString(text) {
		return nil, p.wrong(i, "a path is UTF-8 text")
	}
	steps, err := p.path()
	if err != nil {
		return nil, err
	}
	if p.at < len(text) {
		return nil, p.wrong(p.at, "steps are separated by a point: key(\"ann\").len")
	}
	return &Path{text: text, steps: steps}, nil
}

// parser goes through the text.
type parser struct {
	text  string
	at    int
	depth int
}

func (p *parser) wrong(at int, format string, args ...any) *Error {
	return &Error{Path: p.text, At: at, Text: fmt.Sprintf(format, args...), Kind: ErrWrongPath}
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

// next reports whether a character comes next, and goes behind it.
func (p *parser) next(c byte) bool {
	p.space()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) path() (steps []step, err error) {
	p.space()
	if p.at == len(p.text) {
		return nil, nil
	}
	for {
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
		if !p.next('.') {
			p.space()
			return steps, nil
		}
	}
}

func (p *parser) step() (s step, err error) {
	p.space()
	s.at = p.at
	for p.at < len(p.text) && letter(p.text[p.at]) {
		p.at++
	}
	if s.name = p.text[s.at:p.at]; s.name == "" {
		return s, p.wrong(p.at, "here a step is expected: %s", stepNames())
	}
	if long, ok := synonyms[s.name]; ok {
		s.name = long
	}
	if _, ok := steps[s.name]; !ok {
		return s, p.wrong(s.at, "there is no step %q; there are %s", s.name, stepNames())
	}
	if !p.next('(') {
		return s, nil
	}
	switch kind := steps[s.name]; {
	case kind.conditional:
		if s.cond, err = p.condition(); err == nil && kind.ways > 0 && p.next(',') {
			s.ways, err = p.ways()
		}
	case kind.ways > 0:
		s.ways, err = p.ways()
	case p.next(')'):
		return s, nil
	default:
		s.args, err = p.arguments()
	}
	if err == nil && !p.next(')') {
		err = p.wrong(p.at, "here the bracket of %s has to close", s.name)
	}
	return s, err
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// ways reads paths that are arguments.
func (p *parser) ways() (all []way, err error) {
	if p.depth++; p.depth > depthMax {
		return nil, p.wrong(p.at, "paths lie at most %d deep in each other", depthMax)
	}
	defer func() { p.depth-- }()
	for {
		p.space()
		w := way{at: p.at}
		if w.steps, err = p.path(); err != nil {
			return nil, err
		}
		all = append(all, w)
		if !p.next(',') {
			return all, nil
		}
	}
}

func (p *parser) arguments() (args []argument, err error) {
	for {
		a, err := p.json()
		if err != nil {
			return nil, err
		}
		args = append(args, a)
		if !p.next(',') {
			return args, nil
		}
	}
}

// json reads one JSON value.
func (p *parser) json() (argument, error) {
	p.space()
	a := argument{at: p.at}
	decoder := json.NewDecoder(strings.NewReader(p.text[p.at:]))
	if err := decoder.Decode(&a.raw); err != nil {
		return a, p.wrong(p.at, "here a JSON value is expected, such as \"ann\", 7 or true")
	}
	p.at += int(decoder.InputOffset())
	a.raw = bytes.TrimSpace(a.raw)
	return a, nil
}

// operators, the longer ones first.
var operators = []string{"==", "!=", "<=", ">=", "<", ">"}

func (p *parser) condition() (*condition, error) {
	if p.depth++; p.depth > depthMax {
		return nil, p.wrong(p.at, "paths lie at most %d deep in each other", depthMax)
	}
	defer func() { p.depth-- }()
	p.space()
	c := &condition{at: p.at}
	var err error
	if c.steps, err = p.path(); err != nil {
		return nil, err
	}
	c.opAt = p.at
	for _, op := range operators {
		if strings.HasPrefix(p.text[p.at:], op) {
			p.at += len(op)
			c.op = op
			c.value, err = p.json()
			return c, err
		}
	}
	return c, nil
}
