package kafkadepot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/coppice-run/coppice/secret"
)

// Scram256 authenticates by SCRAM-SHA-256, which sends no password: neither a listener
// on the way nor the broker's log can learn it.
func Scram256(user string, password secret.Text) sasl.Mechanism {
	return scram.Sha256(func(context.Context) (scram.Auth, error) {
		return scram.Auth{User: user, Pass: password.Reveal()}, nil
	})
}

// Scram512 is Scram256 with SHA-512.
func Scram512(user string, password secret.Text) sasl.Mechanism {
	return scram.Sha512(func(context.Context) (scram.Auth, error) {
		return scram.Auth{User: user, Pass: password.Reveal()}, nil
	})
}

// Plain sends the password as it is: use it over TLS alone.
func Plain(user string, password secret.Text) sasl.Mechanism {
	return plain.Plain(func(context.Context) (plain.Auth, error) {
		return plain.Auth{User: user, Pass: password.Reveal()}, nil
	})
}

// OAuthBearer authenticates by a token. token is asked for each connection, and again
// before a session ends: it returns the token that counts now, and may be called from
// several goroutines at once. Its error fails the connection, which is tried again.
func OAuthBearer(token func(context.Context) (secret.Text, error)) sasl.Mechanism {
	return oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
		t, err := token(ctx)
		if err != nil {
			return oauth.Auth{}, fmt.Errorf("asking for a token: %w", err)
		}
		// A line break at the end of a file is not part of the token.
		text := strings.TrimSpace(t.Reveal())
		if text == "" {
			return oauth.Auth{}, errors.New("asking for a token: it is empty")
		}
		return oauth.Auth{Token: text}, nil
	})
}
