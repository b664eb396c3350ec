// Package secret keeps what must not be printed: passwords, tokens, keys. A [Text]
// formats as *** in every verb of package fmt, in JSON, in text and in logs, also
// deep inside of other values; only [Text.Reveal] gives it out, so that a search for
// that name finds every place where a secret leaves its box.
package secret

import (
	"crypto/subtle"
	"fmt"
	"io"
)

// mask stands for a secret wherever it is printed.
const mask = "***"

// Text is a secret text. The zero value is no secret at all. A copy is the same secret.
//
// It holds a pointer: where a value is printed without its methods, as package fmt does
// with fields that are not exported, an address is shown and not the text.
type Text struct{ text *string }

// New keeps a text. The empty text gives the zero value.
func New(text string) Text {
	if text == "" {
		return Text{}
	}
	return Text{&text}
}

// Reveal gives the text out: to whoever authenticates with it, and to nobody else.
func (t Text) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// IsSet reports whether there is a secret.
func (t Text) IsSet() bool { return t.text != nil }

// Equal compares with what somebody has sent, in a time that depends on no byte of the
// secret. No secret equals nothing, not even the empty text.
func (t Text) Equal(sent string) bool {
	return t.text != nil && subtle.ConstantTimeCompare([]byte(*t.text), []byte(sent)) == 1
}

// String is *** where there is a secret, and "" where there is none.
func (t Text) String() string {
	if t.text == nil {
		return ""
	}
	return mask
}

// Format prints String in every verb: %#v and %x, too.
func (t Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// MarshalText is String: for JSON, for logs, for files of configuration.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText keeps a text. The mask itself is refused: who writes a configuration
// out and reads it back would set *** as a password.
func (t *Text) UnmarshalText(text []byte) error {
	if string(text) == mask {
		return fmt.Errorf("secret: %q is what a secret is printed as, and not the secret", mask)
	}
	*t = New(string(text))
	return nil
}
