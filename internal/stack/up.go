package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Up brings up what is wanted and not running, natively, and returns when all
// of it answers. What runs is left as it is; a recorded server that has died is
// started again on its ports with its data. When something fails, Up ends what
// it started itself.
//
// Errors: *[MissingToolError], *[OldToolError], *[PortTakenError], *[StartError].
func Up(ctx context.Context, config Config) (State, error) {
	config, err := config.withDefaults()
	if err != nil {
		return State{}, err
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
	if state.Mode == Compose {
		return State{}, errors.New("stack: the stack of this folder runs in containers: end it first (make stack-down)")
	}
	state.Version, state.Mode = stateVersion, Native
	start := &start{config: config, state: state}
	if err := start.run(ctx); err != nil {
		return State{}, errors.Join(err, start.undo())
	}
	return start.state, nil
}

// start is one Up at work.
type start struct {
	config Config

	mu    sync.Mutex // guards what follows: Kafka starts while the cluster forms
	state State
	began []string // the names of what this Up has started
}

func (s *start) run(ctx context.Context) error {
	missing, err := s.missing()
	if err != nil {
		return err
	}
	s.config.placed(missing)
	if s.config.Secure {
		if err := makeSecrets(SecretsOf(s.config.Folder)); err != nil {
			return err
		}
	}
	if err := checkTools(ctx, missing, runProgram); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, server := range missing {
		if server.Role == Kafka {
			group.Go(func() error { return s.bringUpKafka(ctx, server) })
		}
		if server.Role == Redis {
			group.Go(func() error { return s.bringUpRedis(ctx, server) })
		}
		if server.Role == Pair {
			group.Go(func() error { return s.bringUpPaired(ctx, server) })
		}
	}
	if nodes := clusterNodes(missing); len(nodes) > 0 {
		group.Go(func() error { return s.bringUpCluster(ctx, nodes) })
	}
	return group.Wait()
}

// missing are the wanted servers without a live process, with their ports chosen.
func (s *start) missing() ([]Server, error) {
	var missing []Server
	for _, server := range wanted(s.config) {
		recorded, known := s.state.Server(server.Name)
		if known && recorded.Alive() {
			continue
		}
		if known {
			server = recorded
		} else if err := server.forget(); err != nil {
			return nil, err
		}
		missing = append(missing, server)
	}
	if err := placeAll(missing, s.config.Ports); err != nil {
		return nil, err
	}
	pairUp(s.state, missing, s.config.link)
	return missing, nil
}

func (s *start) bringUpKafka(ctx context.Context, server Server) error {
	began := time.Now()
	if err := startKafka(ctx, s.config, &server); err != nil {
		return err
	}
	if err := s.record(server); err != nil {
		return err
	}
	if err := s.await(ctx, server, began); err != nil || server.Secrets == "" {
		return err
	}
	return grantKafka(ctx, server)
}

func (s *start) bringUpRedis(ctx context.Context, server Server) error {
	began := time.Now()
	if err := startRedis(s.config, &server); err != nil {
		return err
	}
	if err := s.record(server); err != nil {
		return err
	}
	return s.await(ctx, server, began)
}

// bringUpPaired starts a server of the pair; as a replica it has the data of its master when this returns.
func (s *start) bringUpPaired(ctx context.Context, server Server) error {
	if err := s.bringUpRedis(ctx, server); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.ReadyTimeout)
	defer cancel()
	return wait(ctx, server.Name, server.Check)
}

func (s *start) bringUpCluster(ctx context.Context, missing []Server) error {
	began := time.Now()
	for _, server := range missing {
		if err := s.bringUpRedis(ctx, server); err != nil {
			return err
		}
	}
	s.mu.Lock()
	masters, replicas := s.state.servers(Master), s.state.servers(Replica)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, s.config.ReadyTimeout)
	defer cancel()
	if err := formCluster(ctx, masters, replicas); err != nil {
		return err
	}
	s.config.report("cluster: %d masters, %d replicas, all slots served (%.1f s)",
		len(masters), len(replicas), time.Since(began).Seconds())
	return nil
}

func (s *start) await(ctx context.Context, server Server, began time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.ReadyTimeout)
	defer cancel()
	if err := waitReady(ctx, server); err != nil {
		return err
	}
	s.config.report("%s: answers on %s (%.1f s)", server.Name, server.Address, time.Since(began).Seconds())
	return nil
}

// record writes a started server down at once: whatever happens to us now, Down will find it.
func (s *start) record(server Server) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.put(server)
	s.began = append(s.began, server.Name)
	if err := s.state.save(s.config.Folder); err != nil {
		return errors.Join(err, server.Signal(sigKill))
	}
	return nil
}

// undo ends what this Up has started. Logs and data stay, for a look at what went wrong.
func (s *start) undo() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience+askTimeout)
	defer cancel()
	var stopped []Server
	for _, name := range s.began {
		server, _ := s.state.Server(name)
		stopped = append(stopped, server)
	}
	if err := stopAll(ctx, stopped); err != nil {
		return err
	}
	if len(s.began) == len(s.state.Servers) {
		if err := os.Remove(stateFile(s.config.Folder)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("stack: remove the record: %w", err)
		}
	}
	return nil
}
