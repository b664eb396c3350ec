package httpauth

import (
	"fmt"
	"os"
	"strings"

	"github.com/coppice-run/coppice/secret"
)

// Token lets somebody in.
type Token struct {
	Name  string // of whoever has it
	Role  Role
	Token secret.Text
}

// tokenBytesMin keeps away what can be guessed.
const tokenBytesMin = 16

// ReadTokens reads a file with a token on each line: role, name and token, with blanks
// between. Empty lines and those that begin with # are comments.
//
//	read  dashboard  2b1e…
//	write ann        77f0…
//
// Errors tell the line, and not what stands there.
func ReadTokens(file string) ([]Token, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("httpauth: tokens: %w", err)
	}
	var tokens []Token
	number := 0
	for line := range strings.Lines(string(raw)) {
		number++
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if len(words) != 3 {
			return nil, fmt.Errorf("httpauth: %s:%d has %d words: want a role, a name and a token", file, number, len(words))
		}
		role, err := ParseRole(words[0])
		if err != nil {
			return nil, fmt.Errorf("httpauth: %s:%d: the first word is no role: want read or write", file, number)
		}
		tokens = append(tokens, Token{Name: words[1], Role: role, Token: secret.New(words[2])})
	}
	if len(tokens) == 0 {
		return nil, fmt.Errorf("httpauth: %s has no token: write a role, a name and a token on a line", file)
	}
	return tokens, nil
}
