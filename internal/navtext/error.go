package navtext

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Classes of errors, for errors.Is.
var (
	// ErrWrongPath: the text is no path, or a step does not fit what it comes to.
	ErrWrongPath = errors.New("wrong path")
	// ErrWrongType: a key or another argument is of a type that does not fit.
	ErrWrongType = errors.New("wrong type")
	// ErrTooLarge: one result would hold more than 1,000 elements.
	ErrTooLarge = errors.New("result too large")
)

// Error says what is wrong with a path, where, and what to do.
type Error struct {
	Path string // the text
	At   int    // byte of it
	Text string // what is wrong, and the mend
	Kind error  // ErrWrongPath, ErrWrongType or ErrTooLarge
}

// shownMax bounds how much of a path is shown, in characters.
const shownMax = 100

// Error prints the text, and the path with a caret under the place.
func (e *Error) Error() string {
	at := min(max(e.At, 0), len(e.Path))
	before, behind := shown(e.Path[:at]), shown(e.Path[at:])
	if over := len(before) - shownMax/2; over > 0 {
		before = append([]rune{'…'}, before[over:]...)
	}
	if len(behind) > shownMax/2 {
		behind = append(behind[:shownMax/2:shownMax/2], '…')
	}
	return e.Kind.Error() + ": " + e.Text + "\n  " + string(before) + string(behind) + "\n  " + strings.Repeat(" ", len(before)) + "^"
}

// Unwrap returns the class.
func (e *Error) Unwrap() error { return e.Kind }

// shown are the characters of a text, each one column wide.
func shown(text string) []rune {
	out := make([]rune, 0, len(text))
	for _, r := range text {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = ' '
		}
		out = append(out, r)
	}
	return out
}
