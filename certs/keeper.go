package certs

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often the files are looked at, at most.
const lookEvery = time.Second

// keeper has a certificate and reads it again when its files have changed.
type keeper struct {
	certificate, key string
	log              *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	read   stamp     // of the files that pair, or a try to read it, is of
	looked time.Time // at the files
}

// stamp tells states of the two files apart.
type stamp struct {
	certificate, key         time.Time
	certificateSize, keySize int64
}

func keep(certificate, key string, log *slog.Logger) (*keeper, error) {
	k := &keeper{certificate: certificate, key: key, log: log}
	if log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if k.read, err = k.stamp(); err != nil {
		return nil, err
	}
	k.looked = time.Now()
	if k.pair, err = k.load(); err != nil {
		return nil, err
	}
	return k, nil
}

func (k *keeper) load() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(k.certificate, k.key)
	if err != nil {
		return nil, fmt.Errorf("certs: certificate %s with key %s: %w", k.certificate, k.key, err)
	}
	return &pair, nil
}

func (k *keeper) stamp() (s stamp, err error) {
	certificate, err := os.Stat(k.certificate)
	if err != nil {
		return s, fmt.Errorf("certs: certificate: %w", err)
	}
	key, err := os.Stat(k.key)
	if err != nil {
		return s, fmt.Errorf("certs: key: %w", err)
	}
	return stamp{certificate.ModTime(), key.ModTime(), certificate.Size(), key.Size()}, nil
}

// current is the certificate as the files have it. A pair that cannot be read, such as
// one of which only one file is renewed yet, leaves the former one in use.
func (k *keeper) current() *tls.Certificate {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.looked) < lookEvery {
		return k.pair
	}
	k.looked = time.Now()
	now, err := k.stamp()
	if err == nil && now == k.read {
		return k.pair
	}
	var pair *tls.Certificate
	if err == nil {
		pair, err = k.load()
	}
	if err != nil {
		k.log.Error("a certificate that has changed cannot be read: the former one stays in use", "cause", err)
		return k.pair
	}
	k.pair, k.read = pair, now
	return k.pair
}
