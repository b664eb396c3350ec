package cli

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/coppice-run/coppice/certs"
	"github.com/coppice-run/coppice/httpauth"
)

// accessOptions say who may come to what is served over HTTP.
type accessOptions struct {
	tokens      string
	certificate certs.Files
	roles       map[string]string
	open        bool
	perSecond   float64
	bodyTimeout time.Duration
}

func (o *accessOptions) register(flags *pflag.FlagSet) {
	flags.StringVar(&o.tokens, "tokens", "", "file of the bearer tokens that count: on each line a role (read or write), a name and a token")
	flags.StringVar(&o.certificate.Certificate, "cert", "", "file of the server's certificate: it speaks TLS then")
	flags.StringVar(&o.certificate.Key, "key", "", "file of its key")
	flags.StringVar(&o.certificate.Authorities, "client-ca", "", "file of the authorities of clients' certificates: every client has to show one then")
	flags.StringToStringVar(&o.roles, "client-roles", nil, "roles by the name of a client's certificate: ann=write,dashboard=read")
	flags.BoolVar(&o.open, "open", false, "let everybody do everything at an address that others reach, too")
	flags.Float64Var(&o.perSecond, "per-second", 0, "requests of one client in a second, on average; default: 200 where clients are known, else not bounded; below 0: not bounded")
}

func (o *accessOptions) scheme() string {
	if o.certificate.Certificate != "" {
		return "https"
	}
	return "http"
}

// guard is what stands before the handler, and the configuration of TLS; nil: none.
func (o *accessOptions) guard(listen string) (*httpauth.Guard, *tls.Config, error) {
	config := httpauth.Config{PerSecond: o.perSecond, HeaderTimeout: headerTimeout, BodyTimeout: o.bodyTimeout, Certificates: map[string]httpauth.Role{}}
	known := o.tokens != "" || o.certificate.Authorities != ""
	switch {
	case known && o.open:
		return nil, nil, errors.New("--open lets everybody in, --tokens and --client-ca do not: choose")
	case !known && !o.open && !own(listen):
		return nil, nil, fmt.Errorf("--listen %s is reached by others, who might do everything: say who may come by --tokens or --client-ca, or that something before it knows by --open", listen)
	case !known:
		config.Anonymous, config.LocalOnly = httpauth.Writer, !o.open
		if o.perSecond == 0 {
			config.PerSecond = -1
		}
	case o.tokens != "" && o.certificate.Certificate == "" && !own(listen):
		return nil, nil, fmt.Errorf("--listen %s is reached by others, and without --cert and --key tokens can be read on the way", listen)
	}
	var err error
	if o.tokens != "" {
		if config.Tokens, err = httpauth.ReadTokens(o.tokens); err != nil {
			return nil, nil, err
		}
	}
	for name, text := range o.roles {
		if config.Certificates[name], err = httpauth.ParseRole(text); err != nil {
			return nil, nil, fmt.Errorf("--client-roles %s=%s: %w", name, text, err)
		}
	}
	guard, err := httpauth.New(config)
	if err != nil || !o.certificate.Any() {
		return guard, nil, err
	}
	tlsConfig, err := o.certificate.Server()
	return guard, tlsConfig, err
}

// own reports whether an address is this machine's alone.
func own(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
