package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// shell knows what commands of pages may name. It does not run them.
type shell struct {
	root      string
	targets   []string // of the Makefile
	profiles  []string // of docker-compose.yml
	variables []string // of the environment
	code      []source
}

var (
	target   = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
	profile  = regexp.MustCompile(`profiles: \[([^\]]*)\]`)
	variable = regexp.MustCompile(`COPPICE_[A-Z_]+|OTEL_[A-Z_]+`)
	settings = regexp.MustCompile(`^[A-Z_]+=\S*$`)
	remark   = regexp.MustCompile(`(^|\s)#.*$`)
)

func readShell(root string, code []source) (s shell, err error) {
	s.root, s.code = root, code
	for name, into := range map[string]func(text string){
		"Makefile": func(text string) {
			for _, match := range target.FindAllStringSubmatch(text, -1) {
				s.targets = append(s.targets, match[1])
			}
		},
		"docker-compose.yml": func(text string) {
			for _, match := range profile.FindAllStringSubmatch(text, -1) {
				for name := range strings.SplitSeq(match[1], ",") {
					s.profiles = append(s.profiles, strings.TrimSpace(name))
				}
			}
			s.variables = append(s.variables, variable.FindAllString(text, -1)...)
		},
	} {
		raw, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return s, fmt.Errorf("site: %w", err)
		}
		into(string(raw))
	}
	for _, file := range code {
		s.variables = append(s.variables, variable.FindAllString(file.joined, -1)...)
	}
	return s, nil
}

// check says which command of a block could not do what it says.
func (s *shell) check(lines []string) error {
	text := strings.ReplaceAll(strings.Join(lines, "\n"), "\\\n", " ")
	for line := range strings.SplitSeq(text, "\n") {
		line = remark.ReplaceAllString(line, "")
		for command := range strings.SplitSeq(line, "&&") {
			words := strings.Fields(command)
			for len(words) > 0 && (words[0] == "export" || settings.MatchString(words[0])) {
				if name, _, is := strings.Cut(words[0], "="); is && !s.knows(name) {
					return fmt.Errorf("nothing knows the variable %s", name)
				}
				words = words[1:]
			}
			if len(words) > 0 {
				if err := s.command(words); err != nil {
					return fmt.Errorf("%s: %w", strings.Join(words, " "), err)
				}
			}
		}
	}
	return nil
}

// knows reports whether a variable is read: some are named by flags.
func (s *shell) knows(name string) bool {
	flag := `"` + strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "COPPICE_"), "_", "-")) + `"`
	return slices.Contains(s.variables, name) || slices.ContainsFunc(s.code, func(file source) bool { return strings.Contains(file.joined, flag) })
}

func (s *shell) command(words []string) error {
	switch words[0] {
	case "coppice": // internal/cli holds these
		return nil
	case "git", "mkdir", "cd", "curl":
		return nil
	case "make":
		for _, name := range words[1:] {
			if !strings.Contains(name, "=") && !slices.Contains(s.targets, name) {
				return fmt.Errorf("the Makefile has no target %s", name)
			}
		}
		return nil
	case "docker":
		for i, word := range words {
			if word == "--profile" && (i+1 == len(words) || !slices.Contains(s.profiles, words[i+1])) {
				return fmt.Errorf("docker-compose.yml has no such profile")
			}
		}
		return nil
	case "go":
		for _, word := range words[1:] {
			if folder, ok := strings.CutPrefix(word, "./"); ok {
				if _, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(strings.TrimSuffix(folder, "/...")))); err != nil {
					return fmt.Errorf("there is no %s", word)
				}
			}
		}
		return nil
	}
	return fmt.Errorf("nothing checks the command %s", words[0])
}
