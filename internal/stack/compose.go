package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// runner runs a program with variables added to the environment and returns
// what it printed. Tests give one of their own.
type runner func(ctx context.Context, environment []string, command ...string) (output string, err error)

func runProgram(ctx context.Context, environment []string, command ...string) (string, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), environment...)
	output, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(output)), err
}

// Choose says how to run the stack on this machine: Compose where a container
// engine answers and knows `docker compose`, else Native. A docker client alone
// is not enough, so the engine is asked.
func Choose(ctx context.Context) Mode { return choose(ctx, runProgram) }

func choose(ctx context.Context, run runner) Mode {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	// `docker info` of some versions prints the engine's error and still exits with 0; an engine that answers has a version.
	version, err := run(ctx, nil, "docker", "info", "--format", "{{.ServerVersion}}")
	if err != nil || version == "" {
		return Native
	}
	if _, err := run(ctx, nil, "docker", "compose", "version"); err != nil {
		return Native
	}
	return Compose
}

// composeProject names the containers, so that Down finds those of Up.
const composeProject = "coppice"

// UpCompose brings up what is wanted by docker compose and returns when the
// health checks pass. All ports are fixed; the cluster has no replicas.
func UpCompose(ctx context.Context, config Config, composeFile string) (State, error) {
	return upCompose(ctx, config, composeFile, runProgram)
}

func upCompose(ctx context.Context, config Config, composeFile string, run runner) (State, error) {
	config, err := config.withDefaults()
	if err != nil {
		return State{}, err
	}
	if config.Parts.Replicas || config.Parts.Pair {
		return State{}, errors.New("stack: docker-compose.yml has no replicas: start them natively (--native)")
	}
	if config.Ports.Kafka == 0 || config.Ports.Redis == 0 || config.Ports.Cluster == 0 {
		return State{}, errors.New("stack: free ports need the native start (--native)")
	}
	unlock, err := lock(ctx, config.Folder)
	if err != nil {
		return State{}, err
	}
	defer unlock()
	state, err := Load(config.Folder)
	if err != nil {
		return State{}, err
	}
	if state.Mode == Native && len(state.Servers) > 0 {
		return State{}, errors.New("stack: the stack of this folder runs natively: end it first (make stack-down)")
	}
	state, err = composeState(config, composeFile)
	if err != nil {
		return State{}, err
	}
	// Written first: whatever happens to us now, Down will find it.
	if err := state.save(config.Folder); err != nil {
		return State{}, err
	}
	config.report("docker compose: starting (the first time it pulls the images)")
	command := composeCommand(composeFile, "up", "--detach", "--wait")
	output, err := run(ctx, config.Ports.environment(), append(command, composeServices(config.Parts)...)...)
	if err != nil {
		return State{}, fmt.Errorf("stack: docker compose up: %w\n%s\nend what has started by make stack-down", err, output)
	}
	return state, nil
}

// composeCommand has the profile of the cluster always on; the services to start are named.
func composeCommand(file string, arguments ...string) []string {
	return append([]string{"docker", "compose", "--project-name", composeProject, "--file", file, "--profile", "cluster"}, arguments...)
}

func composeServices(parts Parts) []string {
	var services []string
	if parts.Kafka {
		services = append(services, "kafka")
	}
	if parts.Redis {
		services = append(services, "redis")
	}
	if parts.Cluster {
		services = append(services, "redis-cluster")
	}
	return services
}

// environment holds the ports as docker-compose.yml reads them; it cannot count, so each master has its own.
func (p Ports) environment() []string {
	variables := []string{
		"COPPICE_KAFKA_PORT=" + strconv.Itoa(p.Kafka),
		"COPPICE_REDIS_PORT=" + strconv.Itoa(p.Redis),
	}
	for i := range masterCount {
		variables = append(variables, fmt.Sprintf("COPPICE_REDIS_CLUSTER_PORT_%d=%d", i+1, p.Cluster+i))
	}
	return variables
}

// composeState lists the servers with the addresses that docker-compose.yml publishes.
func composeState(config Config, composeFile string) (State, error) {
	state := State{Version: stateVersion, Mode: Compose, ComposeFile: composeFile}
	for _, server := range wanted(config) {
		port, _, err := config.Ports.of(server)
		if err != nil {
			return State{}, err
		}
		state.put(Server{Name: server.Name, Role: server.Role, Address: address(port)})
	}
	return state, nil
}

// composeDown removes the containers, and their volumes unless keep.
func composeDown(ctx context.Context, state State, keep bool, run runner) error {
	command := composeCommand(state.ComposeFile, "down")
	if !keep {
		command = append(command, "--volumes")
	}
	if output, err := run(ctx, nil, command...); err != nil {
		return fmt.Errorf("stack: docker compose down: %w\n%s", err, output)
	}
	return nil
}

// ComposeFile finds docker-compose.yml in a folder or above it.
func ComposeFile(folder string) (string, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", fmt.Errorf("stack: %w", err)
	}
	for above := folder; ; above = filepath.Dir(above) {
		file := filepath.Join(above, "docker-compose.yml")
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
		if above == filepath.Dir(above) {
			return "", fmt.Errorf("stack: no docker-compose.yml in %s or above: run this inside the project, or with --native", folder)
		}
	}
}
