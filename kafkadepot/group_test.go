package kafkadepot_test

import (
	"os"
	"testing"

	"github.com/google/uuid"

	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/nomination/nominationtest"
)

// R4, on the broker in memory.
func TestGroupConformanceInMemory(t *testing.T) {
	t.Parallel()
	nominationtest.Run(t, func(t *testing.T) nominationtest.Harness {
		_, config := startBroker(t)
		return nominations(t, config)
	})
}

// R4, on a real broker, where one is named.
func TestGroupConformanceOnKafka(t *testing.T) {
	t.Parallel()
	broker := os.Getenv("COPPICE_TEST_KAFKA")
	if broker == "" {
		t.Skip("COPPICE_TEST_KAFKA names no broker; make integration starts one")
	}
	nominationtest.Run(t, func(t *testing.T) nominationtest.Harness {
		return nominations(t, kafkadepot.Config{Brokers: []string{broker}})
	})
}

func nominations(t *testing.T, config kafkadepot.Config) nominationtest.Harness {
	t.Helper()
	log, err := kafkadepot.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	return nominationtest.Harness{Group: log.Group(kafkadepot.GroupConfig{}), Module: "Group-" + uuid.NewString()[:8]}
}
