// Command vulnerabilities looks every module of the repository up in the database of known
// vulnerabilities, by govulncheck. `make vulnerabilities` calls it:
//
//	vulnerabilities -tool golang.org/x/vuln/cmd/govulncheck@v1.9.0 . telemetry/export
//
// The database is https://vuln.go.dev, or what -db names: a mirror, file:///folder with a copy of
// it, or the Go module that it is kept in, golang.org/x/vulndb@latest, which comes by GOPROXY. Its exit code is 0 only if each folder was looked at and nothing was found: a
// database that cannot be reached is an error, and no clean bill.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	tool := flag.String("tool", "", "package and version of govulncheck")
	db := flag.String("db", "", "`URL` of the database, file:///folder, or golang.org/x/vulndb@latest by GOPROXY; default: https://vuln.go.dev")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *tool, *db, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, tool, db string, folders []string) error {
	if tool == "" || len(folders) == 0 {
		return errors.New("vulnerabilities: name the tool by -tool, and the folders of the modules to look at")
	}
	work, err := os.MkdirTemp("", "coppice-vulnerabilities-")
	if err != nil {
		return fmt.Errorf("vulnerabilities: %w", err)
	}
	defer os.RemoveAll(work)
	if db != "" && !strings.Contains(db, "://") {
		folder := filepath.Join(work, "db")
		if err := downloaded(ctx, db, folder); err != nil {
			return err
		}
		db = "file://" + filepath.ToSlash(folder)
	}
	if folder, isFile := strings.CutPrefix(db, "file://"); isFile {
		about, err := copied(folder)
		if err != nil {
			return err
		}
		fmt.Println(about)
	}
	bin := filepath.Join(work, "bin")
	// Not by `go run`, which hides what the tool's exit code says.
	install := exec.CommandContext(ctx, "go", "install", tool)
	install.Env = append(os.Environ(), "GOBIN="+bin)
	install.Stderr = os.Stderr
	if err := install.Run(); err != nil {
		return fmt.Errorf("vulnerabilities: nothing was looked up, since %s cannot be built (%w): it comes by GOPROXY", tool, err)
	}
	installed, err := filepath.Glob(filepath.Join(bin, "*"))
	if err != nil || len(installed) != 1 {
		return fmt.Errorf("vulnerabilities: %s is %d programs, want one: %w", tool, len(installed), err)
	}
	c := checker{program: installed[0], db: db, out: os.Stdout}
	return c.all(ctx, folders)
}

// copied says of when a copy of the database is. One that knows no module is none: everything would
// be clean.
func copied(folder string) (string, error) {
	var about struct{ Modified time.Time }
	var modules []struct{ Path string }
	for name, into := range map[string]any{"db.json": &about, "modules.json": &modules} {
		raw, err := os.ReadFile(filepath.Join(folder, "index", name))
		if err == nil {
			err = json.Unmarshal(raw, into)
		}
		if err != nil {
			return "", fmt.Errorf("vulnerabilities: nothing was looked up, since %s is no copy of the database: %w", folder, err)
		}
	}
	if len(modules) == 0 || about.Modified.IsZero() {
		return "", fmt.Errorf("vulnerabilities: nothing was looked up, since the copy of the database at %s knows no module", folder)
	}
	return fmt.Sprintf("a copy of the database, of %s, that knows %d modules", about.Modified.Format(time.DateOnly), len(modules)), nil
}

// found is the exit code by which govulncheck says that it has found something.
const found = 3

type checker struct {
	program, db string
	out         io.Writer
}

// all looks at every folder, and tells of each.
func (c *checker) all(ctx context.Context, folders []string) error {
	var problems []error
	for _, folder := range folders {
		fmt.Fprintf(c.out, "== %s\n", folder)
		if err := c.one(ctx, folder); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// one is nil where a folder was looked at and nothing was found.
func (c *checker) one(ctx context.Context, folder string) error {
	args := []string{"-C", folder}
	if c.db != "" {
		args = append(args, "-db", c.db)
	}
	cmd := exec.CommandContext(ctx, c.program, append(args, "./...")...)
	cmd.Stdout, cmd.Stderr = c.out, c.out
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit) && exit.ExitCode() == found:
		return fmt.Errorf("vulnerabilities: %s calls something with known vulnerabilities: update what is named above", folder)
	}
	return fmt.Errorf("vulnerabilities: %s was NOT looked up (%w): where https://vuln.go.dev is not reached, name a copy: make vulnerabilities VULNDB=golang.org/x/vulndb@latest, or VULNDB=file:///folder", folder, err)
}
