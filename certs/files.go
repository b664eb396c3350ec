package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
)

// Files names the files of one end. The zero value trusts the authorities of the system
// and has no certificate of its own.
type Files struct {
	// Authorities holds the certificates of the authorities whose signature counts, for
	// the other end's certificate. Default: for who dials, those of the system; who
	// listens asks for no certificate without it.
	Authorities string
	// Certificate and Key are this end's: the certificate first, then those between it
	// and an authority. Both or none.
	Certificate, Key string
	// Names, if not empty, are those of which the other end's certificate must have one,
	// as a DNS name or as its common name, beside what TLS itself checks. Without it
	// every certificate of the authorities will do.
	Names []string
	// Log, if set, is told when a certificate that changed cannot be read; the former
	// one stays in use.
	Log *slog.Logger
}

// Any reports whether a file is named.
func (f Files) Any() bool { return f.Authorities != "" || f.Certificate != "" || f.Key != "" }

// Client is the configuration of who dials: it checks the name that was dialled, and
// shows the own certificate, if there is one, to who asks for it.
//
// Errors name the file: it cannot be read, is not PEM, or holds no pair that fits.
func (f Files) Client() (*tls.Config, error) {
	config, k, err := f.common()
	if err != nil {
		return nil, err
	}
	if k != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return k.current(), nil }
	}
	return config, nil
}

// Server is the configuration of who listens. With Authorities it demands a certificate
// that they have signed (mTLS).
//
// Errors: as of Client, and that there is no certificate.
func (f Files) Server() (*tls.Config, error) {
	if f.Certificate == "" {
		return nil, errors.New("certs: who listens needs a certificate: set Certificate and Key")
	}
	config, k, err := f.common()
	if err != nil {
		return nil, err
	}
	config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return k.current(), nil }
	if f.Authorities != "" {
		config.ClientCAs, config.RootCAs, config.ClientAuth = config.RootCAs, nil, tls.RequireAndVerifyClientCert
	}
	return config, nil
}

// Both is the configuration of an end that dials and listens, as the links of workers
// do: both ends show a certificate that the authorities have signed (mTLS).
//
// Errors: as of Client, and that one of the three files is not named.
func (f Files) Both() (*tls.Config, error) {
	if f.Authorities == "" || f.Certificate == "" {
		return nil, errors.New("certs: ends that trust each other need Authorities, Certificate and Key")
	}
	config, err := f.Server()
	if err != nil {
		return nil, err
	}
	dials, err := f.Client()
	if err != nil {
		return nil, err
	}
	config.RootCAs, config.GetClientCertificate = dials.RootCAs, dials.GetClientCertificate
	return config, nil
}

// common is what all configurations have.
func (f Files) common() (*tls.Config, *keeper, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.Authorities != "" {
		pool, err := authorities(f.Authorities)
		if err != nil {
			return nil, nil, err
		}
		config.RootCAs = pool
	}
	if len(f.Names) > 0 {
		config.VerifyConnection = func(state tls.ConnectionState) error { return named(state, f.Names) }
	}
	if f.Certificate == "" && f.Key == "" {
		return config, nil, nil
	}
	if f.Certificate == "" || f.Key == "" {
		return nil, nil, fmt.Errorf("certs: certificate %q and key %q: name both or none", f.Certificate, f.Key)
	}
	k, err := keep(f.Certificate, f.Key, f.Log)
	return config, k, err
}

func authorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("certs: authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("certs: %s holds no certificate in PEM form: it has to begin with -----BEGIN CERTIFICATE-----", file)
	}
	return pool, nil
}

// NameError says that a certificate is signed by the right authority, and is somebody
// else's.
type NameError struct {
	Has  []string // its names
	Want []string // of which it has none
}

func (e *NameError) Error() string {
	return fmt.Sprintf("certs: the other end's certificate is for %q, and only %q are let in: add its name to Names, or give it a certificate of its own", e.Has, e.Want)
}

func named(state tls.ConnectionState, want []string) error {
	has := Names(&state)
	for _, name := range has {
		if slices.Contains(want, name) {
			return nil
		}
	}
	return &NameError{Has: has, Want: want}
}

// Names are those of the certificate that the other end of a connection has shown, and
// that was verified: its common name, then its DNS names. None where it has shown none.
func Names(state *tls.ConnectionState) []string {
	if state == nil || len(state.VerifiedChains) == 0 {
		return nil
	}
	leaf := state.PeerCertificates[0]
	var names []string
	if leaf.Subject.CommonName != "" {
		names = append(names, leaf.Subject.CommonName)
	}
	for _, name := range leaf.DNSNames {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
