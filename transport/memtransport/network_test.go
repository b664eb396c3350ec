package memtransport_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/coppice-run/coppice/transport"
	"github.com/coppice-run/coppice/transport/memtransport"
	"github.com/coppice-run/coppice/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	transporttest.Run(t, func(*testing.T) transporttest.Harness {
		network := memtransport.New()
		return transporttest.Harness{Network: network, Cut: func(a, b transport.Link) { network.Cut(a.Address(), b.Address()) }}
	})
}
