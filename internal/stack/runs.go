package stack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A run is a stack of one caller alone, in a state folder of its own below the
// shared one: runs/run-NNN. Its owner holds a lock as long as it lives, so that
// [DownRuns] can tell what is in use from what was left behind.

// ownerFile is the file of a run that its owner locks.
const ownerFile = "owner"

// OpenRun makes the state folder of a run below a folder. Release, which comes
// after [Down] of the run's folder, removes it.
func OpenRun(folder string) (run string, release func() error, err error) {
	runs := filepath.Join(folder, "runs")
	if err := os.MkdirAll(runs, 0o755); err != nil {
		return "", nil, fmt.Errorf("stack: folder of runs: %w", err)
	}
	run, err = os.MkdirTemp(runs, "run-")
	if err != nil {
		return "", nil, fmt.Errorf("stack: folder of a run: %w", err)
	}
	unlock, held, err := tryLock(filepath.Join(run, ownerFile))
	if err == nil && held {
		err = errors.New("somebody else holds it")
	}
	if err != nil {
		return "", nil, fmt.Errorf("stack: lock the run %s: %w", run, err)
	}
	return run, func() error { return errors.Join(os.RemoveAll(run), unlock()) }, nil
}

// DownRuns ends the servers that runs below a folder have left because their
// owner was killed, and with all also those of runs whose owner lives.
func DownRuns(ctx context.Context, folder string, all bool) error {
	runs, err := filepath.Glob(filepath.Join(folder, "runs", "run-*"))
	if err != nil {
		return fmt.Errorf("stack: list the runs: %w", err)
	}
	var problems []error
	for _, run := range runs {
		problems = append(problems, downRun(ctx, run, all))
	}
	return errors.Join(problems...)
}

func downRun(ctx context.Context, run string, all bool) error {
	unlock, held, err := tryLock(filepath.Join(run, ownerFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // its owner has just removed it
	case err != nil:
		return fmt.Errorf("stack: lock the run %s: %w", run, err)
	case held && !all:
		return nil
	case held:
		// The owner is at work on the folder and removes it itself.
		return Down(ctx, run, false)
	}
	return errors.Join(Down(ctx, run, false), os.RemoveAll(run), unlock())
}
