package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// downloaded makes a copy of the database in folder of what GOPROXY has of the Go module that it is
// kept in, golang.org/x/vulndb@latest or another version of it. It is as old as that version.
func downloaded(ctx context.Context, module, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("vulnerabilities: %w", err)
	}
	var says bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module)
	cmd.Dir, cmd.Stderr = folder, &says // beside every module: this one's go.mod and go.sum stay as they are
	output, err := cmd.Output()
	var got struct{ Dir, Info, Error string }
	if parsed := json.Unmarshal(output, &got); err != nil || parsed != nil {
		return fmt.Errorf("vulnerabilities: nothing was looked up, since GOPROXY has no %s: %w", module, errors.Join(err, parsed, errors.New(got.Error+says.String())))
	}
	raw, err := os.ReadFile(got.Info)
	var version struct{ Time time.Time }
	if err == nil {
		err = json.Unmarshal(raw, &version)
	}
	if err == nil {
		err = index(filepath.Join(got.Dir, "data", "osv"), folder, version.Time)
	}
	if err != nil {
		return fmt.Errorf("vulnerabilities: nothing was looked up, since %s cannot be copied: %w", module, err)
	}
	return nil
}

type indexed struct {
	ID       string    `json:"id"`
	Modified time.Time `json:"modified"`
}

type indexedModule struct {
	Path  string    `json:"path"`
	Vulns []indexed `json:"vulns"`
}

// index writes a folder as govulncheck reads it, of the entries in another, by
// https://go.dev/doc/security/vuln/database. The entries have no times of their own there, so that
// each counts as modified when the whole was. It leaves out the optional versions since which a
// module is mended: govulncheck then looks into each entry of the module.
func index(entries, folder string, modified time.Time) error {
	names, err := filepath.Glob(filepath.Join(entries, "GO-*.json"))
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("%s has no entries GO-….json", entries)
	}
	for _, part := range []string{"ID", "index"} {
		if err := os.MkdirAll(filepath.Join(folder, part), 0o755); err != nil {
			return err
		}
	}
	var all []indexed
	modules := map[string][]indexed{}
	for _, name := range names {
		id, affected, err := entry(name, folder)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		one := indexed{ID: id, Modified: modified}
		all = append(all, one)
		for _, module := range affected {
			modules[module] = append(modules[module], one)
		}
	}
	var byModule []indexedModule
	for path, vulns := range modules {
		byModule = append(byModule, indexedModule{Path: path, Vulns: vulns})
	}
	slices.SortFunc(byModule, func(a, b indexedModule) int { return strings.Compare(a.Path, b.Path) })
	return errors.Join(
		write(folder, "db.json", struct {
			Modified time.Time `json:"modified"`
		}{modified}),
		write(folder, "vulns.json", all),
		write(folder, "modules.json", byModule))
}

// entry copies one entry as it is, and says whom it is about, each module once.
func entry(name, folder string) (id string, affected []string, err error) {
	raw, err := os.ReadFile(name)
	if err != nil {
		return "", nil, err
	}
	var about struct {
		ID       string
		Affected []struct{ Package struct{ Name string } }
	}
	if err := json.Unmarshal(raw, &about); err != nil {
		return "", nil, err
	}
	if about.ID+".json" != filepath.Base(name) {
		return "", nil, fmt.Errorf("it is the entry %q", about.ID)
	}
	for _, a := range about.Affected {
		affected = append(affected, a.Package.Name)
	}
	slices.Sort(affected)
	return about.ID, slices.Compact(affected), os.WriteFile(filepath.Join(folder, "ID", filepath.Base(name)), raw, 0o644)
}

func write[T any](folder, name string, value T) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "index", name), raw, 0o644)
}
