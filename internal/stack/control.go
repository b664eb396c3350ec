package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// Stop ends a server or program by SIGTERM, and by SIGKILL when it has not ended
// after 10 s. It returns when the process is gone; one that has ended is not an
// error. Errors: *[UnknownServerError].
func (r *Rig) Stop(ctx context.Context, name string) error {
	server, err := r.find(name)
	if err != nil {
		return err
	}
	return server.Stop(ctx, patience)
}

// Kill ends a server or program by SIGKILL, paused or not, and returns when the
// process is gone. Errors: *[UnknownServerError].
func (r *Rig) Kill(ctx context.Context, name string) error {
	server, err := r.find(name)
	if err != nil {
		return err
	}
	if err := server.Signal(sigKill); err != nil {
		return err
	}
	if err := poll(ctx, func() bool { return !server.Alive() }); err != nil {
		return fmt.Errorf("stack: wait for the end of %s (pid %d): %w", name, server.Pid, err)
	}
	return nil
}

// Start starts a server or program that has ended on its ports, with its data,
// and returns when it answers; what runs is left as it is. A Redis server comes
// back as what it was, master or replica; [Rig.Synced] waits for its link.
// Errors: *[UnknownServerError], *[StartError].
func (r *Rig) Start(ctx context.Context, name string) error {
	server, err := r.find(name)
	if err != nil || server.Alive() {
		return err
	}
	began := time.Now()
	if err := r.spawn(ctx, &server); err != nil {
		return err
	}
	if err := r.record(server); err != nil {
		return errors.Join(err, server.Signal(sigKill))
	}
	if server.Role != Program {
		ctx, cancel := context.WithTimeout(ctx, r.config.ReadyTimeout)
		defer cancel()
		if err := waitReady(ctx, server); err != nil {
			return err
		}
	}
	r.config.report("%s: back after %.1f s", name, time.Since(began).Seconds())
	return nil
}

func (r *Rig) spawn(ctx context.Context, server *Server) error {
	switch server.Role {
	case Kafka:
		return startKafka(ctx, r.config, server)
	case Program:
		return server.spawn(r.config.EndWithCaller, server.Command...)
	default:
		return startRedis(r.config, server)
	}
}

// Restart is Stop and Start.
func (r *Rig) Restart(ctx context.Context, name string) error {
	if err := r.Stop(ctx, name); err != nil {
		return err
	}
	return r.Start(ctx, name)
}

// Pause stops a process where it is (SIGSTOP): its connections stay open and
// nobody answers. Errors: *[UnknownServerError].
func (r *Rig) Pause(name string) error {
	server, err := r.find(name)
	if err != nil {
		return err
	}
	return server.Signal(sigStop)
}

// Resume lets a paused process go on (SIGCONT). Errors: *[UnknownServerError].
func (r *Rig) Resume(name string) error {
	server, err := r.find(name)
	if err != nil {
		return err
	}
	return server.Signal(sigContinue)
}

// Launch starts a program, such as a worker, as a process of the rig: with a
// name by which Stop, Kill, Start, Pause and Resume know it, a log, a working
// folder of its own, and an end no later than the rig's. It does not wait until
// the program is of use. The environment is ours with NAME=value lines added.
func (r *Rig) Launch(name string, environment []string, command ...string) (Server, error) {
	if len(command) == 0 {
		return Server{}, fmt.Errorf("stack: launch %s: no command", name)
	}
	if known, err := r.find(name); err == nil {
		return known, fmt.Errorf("stack: launch %s: the rig has a %s of that name: start it again by Start", name, known.Role)
	}
	// env becomes the command by exec, so the pid is the command's.
	command = append(append([]string{"/usr/bin/env"}, environment...), command...)
	server := Server{
		Name:    name,
		Role:    Program,
		Data:    dataOf(r.config.Folder, name),
		Log:     logOf(r.config.Folder, name),
		Command: command,
	}
	if err := server.forget(); err != nil {
		return Server{}, err
	}
	if err := server.spawn(r.config.EndWithCaller, command...); err != nil {
		return Server{}, err
	}
	if err := r.record(server); err != nil {
		return Server{}, errors.Join(err, server.Signal(sigKill))
	}
	return server, nil
}

// Log is what a server or program has written to its standard output and error
// since the rig began, over all its starts. Errors: *[UnknownServerError].
func (r *Rig) Log(name string) ([]byte, error) {
	server, err := r.find(name)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(server.Log)
	if err != nil {
		return nil, fmt.Errorf("stack: log of %s: %w", name, err)
	}
	return text, nil
}
