package stack

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChooseAsksTheEngineNotTheClient(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		fake fakeRun
		want Mode
	}{
		{"engine and compose", fakeRun{print: map[string]string{"docker info": "27.3.1"}}, Compose},
		{"a client without an engine", fakeRun{fail: "docker info"}, Native},
		{"a client that exits with 0 all the same", fakeRun{}, Native},
		{"no compose", fakeRun{print: map[string]string{"docker info": "27.3.1"}, fail: "compose version"}, Native},
	} {
		if got := choose(t.Context(), test.fake.run); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func composeConfig(t *testing.T) Config {
	return Config{Folder: t.TempDir(), Ports: Ports{Kafka: 19092, Redis: 16379, Cluster: 17001}}
}

func TestComposeUpAndDown(t *testing.T) {
	t.Parallel()
	config, fake := composeConfig(t), &fakeRun{}
	state, err := upCompose(t.Context(), config, "/p/docker-compose.yml", fake.run)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"docker compose --project-name coppice --file /p/docker-compose.yml --profile cluster " +
		"up --detach --wait kafka redis redis-cluster"}
	if diff := cmp.Diff(want, fake.ran); diff != "" {
		t.Errorf("commands of up (-want +got):\n%s", diff)
	}
	if !slices.Contains(fake.added, "COPPICE_REDIS_CLUSTER_PORT_3=17003") || !slices.Contains(fake.added, "COPPICE_KAFKA_PORT=19092") {
		t.Errorf("the ports of up are %v", fake.added)
	}
	wantEnvironment := []string{
		"COPPICE_TEST_KAFKA=127.0.0.1:19092",
		"COPPICE_TEST_REDIS=127.0.0.1:16379",
		"COPPICE_TEST_REDIS_CLUSTER=127.0.0.1:17001,127.0.0.1:17002,127.0.0.1:17003",
	}
	if diff := cmp.Diff(wantEnvironment, state.Environment()); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	recorded, err := Load(config.Folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := composeDown(t.Context(), recorded, false, fake.run); err != nil {
		t.Fatal(err)
	}
	if last := fake.ran[len(fake.ran)-1]; !strings.HasSuffix(last, "/p/docker-compose.yml --profile cluster down --volumes") {
		t.Errorf("down ran %q", last)
	}
}

func TestComposeStartsOnlyWhatIsWanted(t *testing.T) {
	t.Parallel()
	config, fake := composeConfig(t), &fakeRun{}
	config.Parts = Parts{Kafka: true}
	state, err := upCompose(t.Context(), config, "f", fake.run)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"COPPICE_TEST_KAFKA=127.0.0.1:19092"}, state.Environment()); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if !strings.HasSuffix(fake.ran[0], "--wait kafka") {
		t.Errorf("up ran %q", fake.ran[0])
	}
}

func TestComposeRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"replicas":   func(c *Config) { c.Parts.Replicas = true },
		"free ports": func(c *Config) { c.Ports.Redis = 0 },
		"a native stack": func(c *Config) {
			running := State{Version: stateVersion, Mode: Native, Servers: []Server{{Name: "redis", Role: Redis, Address: "127.0.0.1:1"}}}
			if err := running.save(c.Folder); err != nil {
				t.Error(err)
			}
		},
	} {
		config, fake := composeConfig(t), &fakeRun{}
		change(&config)
		_, err := upCompose(t.Context(), config, "f", fake.run)
		if err == nil || !strings.Contains(err.Error(), "native") || len(fake.ran) > 0 {
			t.Errorf("%s: error %v, commands %v", name, err, fake.ran)
		}
	}
}

// What has started before the failure stays on record, so that Down finds it.
func TestComposeThatFailsCanBeEnded(t *testing.T) {
	t.Parallel()
	config, fake := composeConfig(t), &fakeRun{fail: "up --detach"}
	_, err := upCompose(t.Context(), config, "f", fake.run)
	if err == nil || !strings.Contains(err.Error(), "it is broken") || !strings.Contains(err.Error(), "make stack-down") {
		t.Errorf("error %v: want the output and what to do", err)
	}
	if state, err := Load(config.Folder); err != nil || state.Mode != Compose || state.Kafka() == "" {
		t.Errorf("record %+v, error %v", state, err)
	}
}

func TestComposeFileIsFoundAbove(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if _, err := ComposeFile(folder); err == nil || !strings.Contains(err.Error(), "--native") {
		t.Errorf("without a file: %v", err)
	}
	file, below := filepath.Join(folder, "docker-compose.yml"), filepath.Join(folder, "a", "b")
	if err := errors.Join(os.WriteFile(file, nil, 0o644), os.MkdirAll(below, 0o755)); err != nil {
		t.Fatal(err)
	}
	if got, err := ComposeFile(below); err != nil || got != file {
		t.Errorf("from %s: %q, %v", below, got, err)
	}
}
