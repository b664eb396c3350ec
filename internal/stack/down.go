package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// patience is how long a server may take to end by itself.
const patience = 10 * time.Second

// Down ends the recorded servers of a folder, and only those. With keep the
// record, the logs and the data stay, and the next Up goes on from there;
// otherwise they are removed. A folder without a record is nothing to do.
func Down(ctx context.Context, folder string, keep bool) error {
	if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	unlock, err := lock(ctx, folder)
	if err != nil {
		return err
	}
	defer unlock()
	state, err := Load(folder)
	if err != nil {
		return err
	}
	if state.Mode == Compose {
		err = composeDown(ctx, state, keep, runProgram)
	} else {
		err = stopAll(ctx, state.Servers)
	}
	if err != nil || keep {
		return err
	}
	return wipe(folder)
}

// stopAll stops servers side by side.
func stopAll(ctx context.Context, servers []Server) error {
	var group errgroup.Group
	for _, server := range servers {
		group.Go(func() error { return server.Stop(ctx, patience) })
	}
	return group.Wait()
}

// wipe removes what a stack has left, the record last: while it exists, Down can be repeated.
func wipe(folder string) error {
	for _, name := range []string{"data", "logs", "secrets", "stack.json"} {
		if err := removeAll(filepath.Join(folder, name)); err != nil {
			return fmt.Errorf("stack: clear the state folder: %w", err)
		}
	}
	return nil
}

// removeAll removes a folder. A child of a server that was killed, which writes a file for a
// replica or rewrites the log of writes, lives on for a moment: what it has written meanwhile
// goes with the next try.
func removeAll(name string) error {
	deadline := time.Now().Add(patience)
	for {
		err := os.RemoveAll(name)
		if !errors.Is(err, syscall.ENOTEMPTY) || time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}
