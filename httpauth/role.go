package httpauth

import (
	"context"
	"errors"
	"fmt"
)

// Role is what somebody may do.
type Role int

const (
	None   Role = iota // nothing
	Reader             // what changes nothing
	Writer             // everything
)

// String is the word for a role: none, read or write.
func (r Role) String() string {
	switch r {
	case Reader:
		return "read"
	case Writer:
		return "write"
	}
	return "none"
}

// ParseRole reads the word for a role, read or write.
func ParseRole(text string) (Role, error) {
	switch text {
	case "read":
		return Reader, nil
	case "write":
		return Writer, nil
	}
	return None, fmt.Errorf("httpauth: %q is no role: want read or write", text)
}

// Identity is who asks.
type Identity struct {
	Name string // of the token or the certificate; "" where nobody is known
	Role Role
}

type identityKey struct{}

// From is who asks, as a [Guard] has found out: for logs of who did what.
func From(ctx context.Context) Identity {
	i, _ := ctx.Value(identityKey{}).(Identity)
	return i
}

// ErrForbidden: who asks is known, and may not do that.
var ErrForbidden = errors.New("forbidden")

// RoleError says which role is needed. It is an ErrForbidden.
type RoleError struct {
	Identity Identity
	Want     Role
}

func (e *RoleError) Error() string {
	return fmt.Sprintf("%v: %q may %v, and this needs the role %v: use a token or a certificate that has it", ErrForbidden, e.Identity.Name, e.Identity.Role, e.Want)
}

func (e *RoleError) Unwrap() error { return ErrForbidden }

// Allow is nil where who asks may read, or change where it is asked for. Error: *RoleError.
func Allow(ctx context.Context, changes bool) error {
	want := Reader
	if changes {
		want = Writer
	}
	if i := From(ctx); i.Role < want {
		return &RoleError{i, want}
	}
	return nil
}
