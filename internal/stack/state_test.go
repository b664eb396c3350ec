package stack

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStateSurvivesTheFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if state, err := Load(folder); err != nil || len(state.Servers) != 0 {
		t.Errorf("an empty folder gives %+v, %v", state, err)
	}
	state := State{Version: stateVersion, Mode: Native}
	state.put(Server{Name: "master-2", Role: Master, Address: "127.0.0.1:2", SidePort: 10_002, Pid: 7, Started: "b/1"})
	state.put(Server{Name: "master-1", Role: Master, Address: "127.0.0.1:1"})
	state.put(Server{Name: "master-2", Role: Master, Address: "127.0.0.1:2", SidePort: 10_002, Pid: 8, Started: "b/2"})
	if err := state.save(folder); err != nil {
		t.Fatal(err)
	}
	read, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(state, read); diff != "" {
		t.Errorf("record (-written +read):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"127.0.0.1:1", "127.0.0.1:2"}, read.Cluster()); diff != "" {
		t.Errorf("cluster (-want +got):\n%s", diff)
	}
	if server, known := read.Server("master-2"); !known || server.Pid != 8 {
		t.Errorf("put twice: %+v", server)
	}
}

func TestLoadRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{":             "damaged",
		`{"version":2}`: "version 2",
	} {
		folder := t.TempDir()
		if err := os.WriteFile(stateFile(folder), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(folder); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one of %q", text, err, want)
		}
	}
}

func TestPortsThatAreTakenAreNamed(t *testing.T) {
	t.Parallel()
	var picker portPicker
	defer picker.release()
	port, err := picker.pick()
	if err != nil {
		t.Fatal(err)
	}
	err = placeAll([]Server{{Name: "redis", Role: Redis}}, Ports{Redis: port})
	var taken *PortTakenError
	if !errors.As(err, &taken) || taken.Address != address(port) || !strings.Contains(err.Error(), "COPPICE_REDIS_PORT") {
		t.Errorf("error %v: want a PortTakenError of %s that names its variable", err, address(port))
	}
}

func TestFreePortsDiffer(t *testing.T) {
	t.Parallel()
	servers := wanted(Config{Folder: "f", Parts: Parts{Kafka: true, Redis: true, Cluster: true, Replicas: true}})
	if err := placeAll(servers, Ports{}); err != nil {
		t.Fatal(err)
	}
	given := map[string]bool{}
	for _, server := range servers {
		given[server.Address] = true
		if server.Role != Redis {
			given[address(server.SidePort)] = true
		}
	}
	if want := 1 + 2*(3+3+1); len(given) != want {
		t.Errorf("%d different ports, want %d: %v", len(given), want, given)
	}
}

func TestFixedPorts(t *testing.T) {
	t.Parallel()
	ports := Ports{Kafka: 19092, Redis: 16379, Cluster: 17001, Pair: 16479}
	for _, test := range []struct {
		server         Server
		port, sidePort int
	}{
		{Server{Role: Kafka, Name: "kafka"}, 19092, 19093},
		{Server{Role: Redis, Name: "redis"}, 16379, 0},
		{Server{Role: Master, Name: "master-1"}, 17001, 27001},
		{Server{Role: Replica, Name: "replica-3"}, 17006, 27006},
		{Server{Role: Pair, Name: "pair-1"}, 16479, 0},
		{Server{Role: Pair, Name: "pair-2"}, 16480, 0},
		{Server{Role: Redis, Name: "redis", Address: "127.0.0.1:99"}, 99, 0},
	} {
		port, sidePort, err := ports.of(test.server)
		if err != nil || port != test.port || sidePort != test.sidePort {
			t.Errorf("%s: ports %d and %d (%v), want %d and %d", test.server.Name, port, sidePort, err, test.port, test.sidePort)
		}
	}
}

func TestPortsFromTheEnvironment(t *testing.T) {
	t.Setenv("COPPICE_KAFKA_PORT", "29092")
	t.Setenv("COPPICE_REDIS_PORT", "")
	t.Setenv("COPPICE_REDIS_CLUSTER_PORT", "")
	t.Setenv("COPPICE_REDIS_PAIR_PORT", "17101")
	if ports, err := DefaultPorts(); err != nil || ports != (Ports{Kafka: 29092, Redis: 16379, Cluster: 17001, Pair: 17101}) {
		t.Errorf("ports %+v, %v", ports, err)
	}
	for _, text := range []string{"x", "0", "-1", "60000"} {
		t.Setenv("COPPICE_REDIS_CLUSTER_PORT", text)
		if _, err := DefaultPorts(); err == nil || !strings.Contains(err.Error(), "COPPICE_REDIS_CLUSTER_PORT") {
			t.Errorf("port %q: error %v", text, err)
		}
	}
}

// The start of a server needs its port free: pick must have let go of it. Somebody else may
// take one meanwhile, but not each.
func TestReleasedPortsCanBeListenedOn(t *testing.T) {
	t.Parallel()
	var err error
	for range 10 {
		servers := []Server{{Name: "redis", Role: Redis}}
		if err := placeAll(servers, Ports{}); err != nil {
			t.Fatal(err)
		}
		var listener net.Listener
		if listener, err = net.Listen("tcp", servers[0].Address); err == nil {
			listener.Close()
			return
		}
	}
	t.Fatal(err)
}
