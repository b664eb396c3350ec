// Command licences looks at the licence of every module that a package of this one needs,
// tests included, and fails where one is missing or not among those that an Apache-2.0
// program may be given away with. `make licences` calls it.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	folders := os.Args[1:]
	if len(folders) == 0 {
		folders = []string{"."}
	}
	if err := run(folders); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folders []string) error {
	needed := map[string]string{} // folder by module and version
	for _, folder := range folders {
		if err := list(folder, needed); err != nil {
			return err
		}
	}
	var names []string
	for name := range needed {
		names = append(names, name)
	}
	slices.Sort(names)
	var problems []error
	for _, name := range names {
		licence, err := of(needed[name])
		if err != nil {
			problems = append(problems, fmt.Errorf("licences: %s: %w", name, err))
			continue
		}
		fmt.Printf("%-14s %s\n", licence, name)
	}
	if len(names) == 0 {
		problems = append(problems, errors.New("licences: no module was found: nothing was looked at"))
	}
	return errors.Join(problems...)
}

// list adds the modules that the packages of a folder, and their tests, are built of. What is
// replaced by a folder is a part of this repository, and under its licence.
func list(folder string, needed map[string]string) error {
	cmd := exec.Command("go", "list", "-deps", "-test", "-f", "{{with .Module}}{{if not (or .Main (and .Replace (not .Replace.Version)))}}{{.Path}}@{{.Version}}\t{{.Dir}}{{end}}{{end}}", "./...")
	cmd.Dir, cmd.Stderr = folder, os.Stderr
	output, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("licences: listing the modules of %s: %w", folder, err)
	}
	lines := bufio.NewScanner(bytes.NewReader(output))
	for lines.Scan() {
		if name, dir, found := strings.Cut(lines.Text(), "\t"); found && !strings.HasSuffix(name, "@") {
			needed[name] = dir
		}
	}
	return lines.Err()
}

// allowed are licences by what stands in their text, the more telling first.
var allowed = []struct{ name, text string }{
	{"Apache-2.0", "Apache License Version 2.0"},
	{"MPL-2.0", "Mozilla Public License Version 2.0"},
	{"MPL-2.0", "Mozilla Public License, version 2.0"},
	{"BSD-3-Clause", "Neither the name of"},
	{"BSD-3-Clause", "may not be used to endorse or promote products"},
	{"BSD-2-Clause", "Redistribution and use in source and binary forms"},
	{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose"},
	{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose"},
	{"MIT", "Permission is hereby granted, free of charge, to any person obtaining a copy"},
	{"Unlicense", "This is free and unencumbered software released into the public domain"},
}

// of names the licence of a module by its text.
func of(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	found := false
	for _, entry := range entries {
		upper := strings.ToUpper(entry.Name())
		if entry.IsDir() || !strings.HasPrefix(upper, "LICEN") && !strings.HasPrefix(upper, "UNLICEN") && !strings.HasPrefix(upper, "COPYING") {
			continue
		}
		found = true
		raw, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return "", err
		}
		text := strings.Join(strings.Fields(string(raw)), " ")
		for _, a := range allowed {
			if strings.Contains(text, a.text) {
				return a.name, nil
			}
		}
	}
	if !found {
		return "", errors.New("it has no licence: take it out, or ask who wrote it")
	}
	return "", errors.New("its licence is none of those that are known to go with Apache-2.0: read it, and add it to the list or take the module out")
}
