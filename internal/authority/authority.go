// Package authority is a certificate authority for tests and for the secure servers of a
// development machine: it makes its own certificate and signs those of servers and users,
// for a day, and keeps nothing else. It is no authority for production.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Authority signs certificates.
type Authority struct {
	folder      string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// Pair names the files of a certificate and its key, and of both in one.
type Pair struct{ Certificate, Key, Both string }

// lasts is how long certificates count.
const lasts = 24 * time.Hour

// New makes an authority of that name, which writes its files into a folder; its own
// certificate is <name>.pem. Its key is never written.
func New(folder, name string) (*Authority, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	a := &Authority{folder: folder, key: key, certificate: template}
	raw, err := a.sign(template, &key.PublicKey, time.Now().Add(lasts))
	if err != nil {
		return nil, err
	}
	if a.certificate, err = x509.ParseCertificate(raw); err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	return a, a.write(filepath.Base(a.File(name)), block("CERTIFICATE", raw))
}

// File is the certificate of an authority of that name in the folder.
func (a *Authority) File(name string) string { return filepath.Join(a.folder, name+".pem") }

// Certificate is the file of the authority's own certificate.
func (a *Authority) Certificate() string { return a.File(a.certificate.Subject.CommonName) }

// Sign makes a certificate for a name, which is its common name and a DNS name, and for
// this machine's own addresses. It serves at both ends of a connection. Signing a name
// again replaces its files.
func (a *Authority) Sign(name string) (Pair, error) {
	return a.SignUntil(name, time.Now().Add(lasts))
}

// SignUntil is Sign for a certificate that counts until a moment: one that has passed gives one
// that has expired.
func (a *Authority) SignUntil(name string, until time.Time) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("authority: %w", err)
	}
	raw, err := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name, "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, &key.PublicKey, until)
	if err != nil {
		return Pair{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("authority: %w", err)
	}
	certificate, secret := block("CERTIFICATE", raw), block("PRIVATE KEY", private)
	file := func(kind string) string { return filepath.Join(a.folder, name+kind) }
	pair := Pair{file(".cert"), file(".key"), file(".both")}
	for file, text := range map[string][]byte{pair.Certificate: certificate, pair.Key: secret, pair.Both: append(append([]byte{}, secret...), certificate...)} {
		if err := a.write(filepath.Base(file), text); err != nil {
			return Pair{}, err
		}
	}
	return pair, nil
}

func (a *Authority) sign(template *x509.Certificate, key *ecdsa.PublicKey, until time.Time) ([]byte, error) {
	var err error
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	template.NotBefore, template.NotAfter = until.Add(-lasts-time.Minute), until
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key, a.key)
	if err != nil {
		return nil, fmt.Errorf("authority: signing %s: %w", template.Subject.CommonName, err)
	}
	return raw, nil
}

func block(kind string, raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})
}

// write replaces a file as a whole.
func (a *Authority) write(name string, text []byte) error {
	next := filepath.Join(a.folder, name+".next")
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return fmt.Errorf("authority: %w", err)
	}
	if err := os.Rename(next, filepath.Join(a.folder, name)); err != nil {
		return fmt.Errorf("authority: %w", err)
	}
	return nil
}
