package deploy_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/coppice-run/coppice/deploy"
	"github.com/google/go-cmp/cmp"
)

const clusterProfile = "cluster"

func load(t *testing.T, environment []string, profiles ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../docker-compose.yml"},
		cli.WithEnv(environment), cli.WithProfiles(profiles))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestComposeStartsTheClusterOnlyByItsProfile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		profiles []string
		want     []string
	}{
		{nil, []string{"kafka", "redis"}},
		{[]string{clusterProfile}, []string{"kafka", "redis", "redis-cluster", "redis-master-1", "redis-master-2", "redis-master-3"}},
	} {
		got := load(t, nil, test.profiles...).ServiceNames()
		slices.Sort(got)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("services with profiles %v (-want +got):\n%s", test.profiles, diff)
		}
	}
}

// What the profile core starts is built here, runs without rights, and has time to pass its
// tasks on; workers have addresses of their own.
func TestComposeRunsWorkers(t *testing.T) {
	t.Parallel()
	services := load(t, nil, "core").Services
	addresses := map[string]bool{}
	for _, name := range []string{"worker-1", "worker-2"} {
		s := services[name]
		advertised := s.Environment["COPPICE_ADVERTISE"]
		if advertised == nil || !strings.HasPrefix(*advertised, name+":") || addresses[*advertised] {
			t.Errorf("%s advertises %v", name, advertised)
			continue
		}
		addresses[*advertised] = true
		if s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) < 20*time.Second {
			t.Errorf("%s has %v to end", name, s.StopGracePeriod)
		}
	}
	for _, name := range []string{"worker-1", "worker-2", "api"} {
		s := services[name]
		if s.Build == nil || !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || s.HealthCheck == nil {
			t.Errorf("%s: build %v, read only %t, dropped %v, health %v", name, s.Build, s.ReadOnly, s.CapDrop, s.HealthCheck)
		}
		if _, err := os.Stat("../Dockerfile"); err != nil {
			t.Error(err)
		}
	}
}

// What watches the workers is pinned, mounts files that are there, and is published on
// loopback alone.
func TestComposeObserves(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"collector", "jaeger", "prometheus", "grafana"} {
		s, err := load(t, nil, "observe").GetService(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, tag, _ := strings.Cut(s.Image, ":"); strings.Count(tag, ".") != 2 {
			t.Errorf("%s: image %q: want a full version", name, s.Image)
		}
		for _, volume := range s.Volumes {
			if info, err := os.Stat(volume.Source); volume.Type == types.VolumeTypeBind && (err != nil || !info.Mode().IsRegular() || !volume.ReadOnly) {
				t.Errorf("%s mounts %s: %v, read only %t", name, volume.Source, err, volume.ReadOnly)
			}
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes %s on %q", name, port.Published, port.HostIP)
			}
		}
	}
}

// Prometheus asks workers that there are, at the port on which they answer, and has the alerts;
// Grafana has the dashboard in the folder that it is told to read, and shows it first.
func TestComposeShowsTheDashboard(t *testing.T) {
	t.Parallel()
	services := load(t, nil, "core", "observe").Services
	mounted := func(service, source string) string {
		t.Helper()
		for _, v := range services[service].Volumes {
			if strings.HasSuffix(v.Source, "/deploy/"+source) {
				return v.Target
			}
		}
		t.Errorf("%s has no %s", service, source)
		return ""
	}
	read := func(name string) string {
		raw, err := os.ReadFile("observe/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	mounted("prometheus", "observe/prometheus.yml")
	scraping := read("prometheus.yml")
	if alerts := mounted("prometheus", "prometheus/alerts.yml"); !strings.Contains(scraping, "rule_files: ["+alerts+"]") {
		t.Errorf("Prometheus does not read the alerts at %s", alerts)
	}
	for _, worker := range []string{"worker-1", "worker-2"} {
		_, port, _ := strings.Cut(*services[worker].Environment["HTTP_LISTEN"], ":")
		if target := worker + ":" + port; !strings.Contains(scraping, `"`+target+`"`) {
			t.Errorf("Prometheus does not ask %s", target)
		}
	}
	mounted("grafana", "observe/grafana.yaml")
	if at := mounted("grafana", "observe/dashboards.yaml"); filepath.Dir(at) != "/etc/grafana/provisioning/dashboards" {
		t.Errorf("Grafana does not look for dashboards at %s", at)
	}
	dashboard := mounted("grafana", "grafana/coppice.json")
	if !strings.Contains(read("dashboards.yaml"), "path: "+filepath.Dir(dashboard)+"}") {
		t.Errorf("Grafana does not read the folder of %s", dashboard)
	}
	if first := services["grafana"].Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]; first == nil || *first != dashboard {
		t.Errorf("Grafana shows something else than %s first", dashboard)
	}
}

func TestComposePinsImagesAndAsksForHealth(t *testing.T) {
	t.Parallel()
	images := map[string]bool{}
	for name, service := range load(t, nil, clusterProfile).Services {
		_, tag, found := strings.Cut(service.Image, ":")
		if !found || tag == "latest" || strings.Count(tag, ".") != 2 {
			t.Errorf("%s: image %q: want a full version", name, service.Image)
		}
		images[service.Image] = true
		if check := service.HealthCheck; check == nil || check.Disable || len(check.Test) == 0 || check.Interval == nil || check.Timeout == nil {
			t.Errorf("%s: want a health check with an interval and a timeout, have %+v", name, check)
		}
	}
	if len(images) != 2 {
		t.Errorf("images %v: want one of Kafka and one of Redis", images)
	}
}

// The containers run the same Kafka version as the native start.
func TestComposeAndPomAgreeOnKafka(t *testing.T) {
	t.Parallel()
	_, version, _ := strings.Cut(load(t, nil).Services["kafka"].Image, ":")
	if !bytes.Contains(deploy.KafkaPom, []byte("<kafka.version>"+version+"</kafka.version>")) {
		t.Errorf("docker-compose.yml has Kafka %s, deploy/kafka/pom.xml has not", version)
	}
}

func TestComposeMountsFilesThatExist(t *testing.T) {
	t.Parallel()
	project := load(t, nil, clusterProfile)
	mounted := map[string]bool{}
	for name, service := range project.Services {
		for _, volume := range service.Volumes {
			switch volume.Type {
			case types.VolumeTypeVolume:
				if _, declared := project.Volumes[volume.Source]; !declared {
					t.Errorf("%s: volume %s is not declared", name, volume.Source)
				}
			case types.VolumeTypeBind:
				info, err := os.Stat(volume.Source)
				if err != nil || !info.Mode().IsRegular() {
					t.Errorf("%s: mount %s: %v", name, volume.Source, err)
				}
				if !volume.ReadOnly {
					t.Errorf("%s: mount %s is writable", name, volume.Source)
				}
				mounted[filepath.Base(volume.Source)] = true
			}
		}
	}
	if diff := cmp.Diff(map[string]bool{"kafka.properties": true, "redis.conf": true}, mounted); diff != "" {
		t.Errorf("mounted files (-want +got):\n%s", diff)
	}
}

func TestComposePublishesOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	environment := []string{
		"COPPICE_KAFKA_PORT=1", "COPPICE_REDIS_PORT=2",
		"COPPICE_REDIS_CLUSTER_PORT_1=3", "COPPICE_REDIS_CLUSTER_PORT_2=4", "COPPICE_REDIS_CLUSTER_PORT_3=5",
	}
	for _, test := range []struct {
		name        string
		environment []string
		want        map[string][]string
	}{
		{"by default", nil, map[string][]string{
			"kafka": {"19092"}, "redis": {"16379"}, "redis-master-1": {"17001", "17002", "17003"},
		}},
		{"by the environment", environment, map[string][]string{
			"kafka": {"1"}, "redis": {"2"}, "redis-master-1": {"3", "4", "5"},
		}},
	} {
		got := map[string][]string{}
		for name, service := range load(t, test.environment, clusterProfile).Services {
			for _, port := range service.Ports {
				if port.HostIP != "127.0.0.1" {
					t.Errorf("%s publishes %s on %q", name, port.Published, port.HostIP)
				}
				got[name] = append(got[name], port.Published)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("published ports %s (-want +got):\n%s", test.name, diff)
		}
	}
}

// Nodes of a cluster tell clients where the others are: that has to be true on the host as well.
func TestComposeMastersShareTheirNetwork(t *testing.T) {
	t.Parallel()
	project := load(t, nil, clusterProfile)
	for _, name := range []string{"redis-master-2", "redis-master-3", "redis-cluster"} {
		if mode := project.Services[name].NetworkMode; mode != "service:redis-master-1" {
			t.Errorf("%s: network %q: want that of redis-master-1", name, mode)
		}
	}
	ports := map[string]bool{}
	for _, name := range []string{"redis-master-1", "redis-master-2", "redis-master-3"} {
		ports[*project.Services[name].Environment["PORT"]] = true
	}
	if len(ports) != 3 {
		t.Errorf("the masters listen on %v: want three ports", ports)
	}
}

// The settings that rules of the protocol rest on.
func TestSettingsThatTheProtocolNeeds(t *testing.T) {
	t.Parallel()
	kafka := settings(deploy.KafkaProperties, "=")
	redis := settings(deploy.RedisConf, " ")
	for _, test := range []struct {
		have            map[string]string
		name, want, why string
	}{
		{kafka, "auto.create.topics.enable", "false", "a depot has as many partitions as its module has tasks"},
		{kafka, "unclean.leader.election.enable", "false", "truncation reuses offsets (T20)"},
		{kafka, "message.max.bytes", "5242880", "a depot takes records of 4 MiB"},
		{kafka, "log.retention.ms", "-1", "progress may go back (T22)"},
		{kafka, "log.retention.bytes", "-1", "progress may go back (T22)"},
		{redis, "maxmemory-policy", "noeviction", "an eviction deletes state or progress (T10)"},
		{redis, "appendonly", "yes", "an empty master replicates emptiness (T12)"},
		{redis, "aof-load-truncated", "yes", "a torn MULTI is cut off as a whole (T13)"},
	} {
		if got := test.have[test.name]; got != test.want {
			t.Errorf("%s is %q, want %q: %s", test.name, got, test.want, test.why)
		}
	}
}

// settings reads lines of name, separator and value; a name that comes twice keeps its last value.
func settings(file []byte, separator string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(string(file)) {
		name, value, found := strings.Cut(strings.TrimSpace(line), separator)
		if found && !strings.HasPrefix(name, "#") {
			values[name] = value
		}
	}
	return values
}
