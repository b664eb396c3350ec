package stack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Tail is a place in the append-only file of a Redis server: what comes behind it is
// the tail that [Rig.LoseTail] loses.
type Tail struct {
	server string
	file   string
	bytes  int64
}

// MarkTail notes how far the master's append-only file is: as if the disk had all up to
// here, and nothing behind it. Errors: the file cannot be found.
func (r *Rig) MarkTail() (Tail, error) {
	master := r.Master()
	file, err := appendedTo(master)
	if err != nil {
		return Tail{}, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return Tail{}, fmt.Errorf("stack: %s: %w", master.Name, err)
	}
	return Tail{master.Name, file, info.Size()}, nil
}

// LoseTail ends a server as a power failure does: SIGKILL, and what the server has
// answered since the mark is not on the disk. It tells how many bytes of the file are
// lost: 0 where the server has begun another file since. [Rig.Start] starts it again,
// and its replica then copies what is left. Errors: *[UnknownServerError].
func (r *Rig) LoseTail(ctx context.Context, t Tail) (lostBytes int64, err error) {
	server, err := r.find(t.server)
	if err != nil {
		return 0, err
	}
	if err := r.Kill(ctx, t.server); err != nil {
		return 0, err
	}
	file, err := appendedTo(server)
	if err != nil || file != t.file {
		return 0, err
	}
	info, err := os.Stat(file)
	if err == nil {
		err = os.Truncate(file, t.bytes)
	}
	if err != nil {
		return 0, fmt.Errorf("stack: %s: %w", server.Name, err)
	}
	return info.Size() - t.bytes, nil
}

// appendedTo is the file that a Redis server appends its writes to: the last of those
// that its manifest lists.
func appendedTo(server Server) (string, error) {
	folder := filepath.Join(server.Data, "appendonlydir")
	manifest, err := os.Open(filepath.Join(folder, "appendonly.aof.manifest"))
	if err != nil {
		return "", fmt.Errorf("stack: %s: %w", server.Name, err)
	}
	defer manifest.Close()
	file := ""
	lines := bufio.NewScanner(manifest)
	for lines.Scan() {
		// file appendonly.aof.1.incr.aof seq 1 type i
		if words := strings.Fields(lines.Text()); len(words) == 6 && words[5] == "i" {
			file = filepath.Join(folder, words[1])
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("stack: %s: %w", server.Name, err)
	}
	if file == "" {
		return "", errors.New("stack: " + server.Name + ": its manifest lists no file that is appended to")
	}
	return file, nil
}
