package cli

import (
	"os"
	"testing"
)

// On real servers, single and cluster, the demos print what they print in
// memory, and the same again.
func TestDemosOnRealServers(t *testing.T) {
	t.Parallel()
	kafka := os.Getenv("COPPICE_TEST_KAFKA")
	for _, variable := range []string{"COPPICE_TEST_REDIS", "COPPICE_TEST_REDIS_CLUSTER"} {
		redis := os.Getenv(variable)
		if kafka == "" || redis == "" {
			t.Skip("COPPICE_TEST_KAFKA and " + variable + " name no servers; make integration starts them")
		}
		for _, demo := range append([]string{"flights"}, sceneNames...) {
			t.Run(variable+"/"+demo, func(t *testing.T) {
				t.Parallel()
				code, want, errs := coppice(t.Context(), "demo", demo, "--plain")
				if code != exitOK {
					t.Fatalf("in memory: exit code %d, %s", code, errs)
				}
				for _, workers := range []string{"1", "2"} {
					code, got, errs := coppice(t.Context(), "demo", demo, "--plain", "--kafka", kafka, "--redis", redis, "--workers", workers)
					if code != exitOK || got != want {
						t.Errorf("%s workers: exit code %d, %s; printed %d bytes, want %d as in memory", workers, code, errs, len(got), len(want))
					}
				}
			})
		}
	}
}
