// Package lapsed tells an end that is not let in that its own certificate is why: the other end's
// refusal seldom says so, and a connection that it has closed never does.
package lapsed

import (
	"crypto/tls"
	"crypto/x509"
	"time"
)

// Mend says what to do where the certificate that a client shows by config has expired at that time,
// or is not valid yet, and since or until when; "" where it is valid, or there is none.
func Mend(config *tls.Config, now time.Time) string {
	own := shown(config)
	switch {
	case own == nil:
		return ""
	case now.After(own.NotAfter):
		return "this end's certificate has expired at " + own.NotAfter.UTC().Format(time.RFC3339) + ": renew it"
	case now.Before(own.NotBefore):
		return "this end's certificate is not valid until " + own.NotBefore.UTC().Format(time.RFC3339) + ": see whether the clock is right"
	}
	return ""
}

// shown is what a client shows that is asked for a certificate; nil if that is none, or cannot be read.
func shown(config *tls.Config) *x509.Certificate {
	if config == nil {
		return nil
	}
	var pair *tls.Certificate
	switch {
	case config.GetClientCertificate != nil:
		pair, _ = config.GetClientCertificate(&tls.CertificateRequestInfo{Version: tls.VersionTLS13, SignatureSchemes: schemes})
	case len(config.Certificates) > 0:
		pair = &config.Certificates[0]
	}
	switch {
	case pair == nil || len(pair.Certificate) == 0:
		return nil
	case pair.Leaf != nil:
		return pair.Leaf
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil
	}
	return leaf
}

// schemes are those of a server that takes every usual certificate.
var schemes = []tls.SignatureScheme{
	tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.ECDSAWithP521AndSHA512, tls.Ed25519,
	tls.PSSWithSHA256, tls.PSSWithSHA384, tls.PSSWithSHA512, tls.PKCS1WithSHA256, tls.PKCS1WithSHA384, tls.PKCS1WithSHA512,
}
