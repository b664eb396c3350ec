package cli

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each command of coppice that a page says to type is one that there is, with arguments and flags
// that it takes; those of docs/guides/clients.md are run besides. One that stands in a sentence may
// leave its arguments out.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	pages := []string{filepath.Join(root, "README.md")}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(name string, _ fs.DirEntry, err error) error {
		if filepath.Ext(name) == ".md" {
			pages = append(pages, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, page := range pages {
		raw, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := regexp.MustCompile("(?s)```[a-z]*\n(.*?)```")
		for _, block := range blocks.FindAllStringSubmatch(string(raw), -1) {
			for _, line := range documented(block[1]) {
				if strings.HasSuffix(line, " [flags]") { // how the reference, which is made of the commands, says its usage
					continue
				}
				commands++
				if err := understood(words(line)[1:]); err != nil {
					t.Errorf("%s: %s: %v", page, line, err)
				}
			}
		}
		for _, span := range regexp.MustCompile("`(coppice [^`]+)`").FindAllStringSubmatch(blocks.ReplaceAllString(string(raw), ""), -1) {
			commands++
			if err := named(words(span[1])[1:]); err != nil {
				t.Errorf("%s: `%s`: %v", page, span[1], err)
			}
		}
	}
	if commands < 80 {
		t.Errorf("the pages have %d commands", commands)
	}
}

// documented are the commands of coppice in a block, without remarks and redirections.
func documented(block string) (lines []string) {
	block = strings.ReplaceAll(block, "\\\n", " ")
	for line := range strings.SplitSeq(block, "\n") {
		line = regexp.MustCompile(`(^|\s)#.*$|\s<\s\S+`).ReplaceAllString(line, "")
		if line = strings.TrimSpace(strings.Replace(line, "go run ./cmd/coppice ", "coppice ", 1)); strings.HasPrefix(line, "coppice ") {
			lines = append(lines, line)
		}
	}
	return lines
}

// understood parses a command, and does not run it.
func understood(args []string) error {
	cmd, rest, err := rootCommand().Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if len(cmd.Flags().Args()) > 0 && cmd.HasSubCommands() {
		return fmt.Errorf("%s has no command %s", cmd.CommandPath(), cmd.Flags().Arg(0))
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// named is understood, of a command whose arguments may be left out.
func named(args []string) error {
	cmd, rest, err := rootCommand().Find(args)
	if err == nil && len(rest) == 0 && cmd.HasParent() {
		return nil
	}
	return understood(args)
}

func TestWrongCommandsAreNotUnderstood(t *testing.T) {
	t.Parallel()
	for _, line := range documented("coppice modulez # all\ncoppice describe\ncoppice select Words counts --limitt 3\ncoppice top < file --json=maybe\ncoppice tasks Words\n") {
		if understood(words(line)[1:]) == nil {
			t.Errorf("%s is understood", line)
		}
	}
	for line, want := range map[string]bool{"coppice tasks": true, "coppice describe": true, "coppice tasks Words": false, "coppice taskz": false, "coppice tree orders": false} {
		if err := named(words(line)[1:]); (err == nil) != want {
			t.Errorf("in a sentence %s: %v", line, err)
		}
	}
}

// The doctor tells the line of Redis' ACL, without any server.
func TestTheDoctorTellsTheACL(t *testing.T) {
	t.Parallel()
	_, want, _ := coppice(t.Context(), "acl")
	code, line, errs := coppice(t.Context(), "doctor", "--acl")
	if code != 0 || line != want || !strings.HasPrefix(line, "user coppice ") {
		t.Errorf("ended with %d, %q, %q; want %q", code, line, errs, want)
	}
}
