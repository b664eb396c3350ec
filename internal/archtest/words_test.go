package archtest

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// strange are the words that only mean something on the machine where a file was
// written: folders of somebody's home, mirrors and registries. Each is written so
// that it does not match itself.
var strange = regexp.MustCompile(strings.Join([]string{
	`(^|[^\w.-])/[h]ome/\w`,
	`(^|[^\w.-])/[U]sers/\w`,
	`(^|[^\w.-])/[r]oot/`,
	`(^|[^\w.-])/[w]ork/`,
	`(^|[^\w/-])[s]hared/`,
	`/tmp/[t]eam`,
	`[p]roxy\.golang\.org`,
	`[r]epo1?\.maven\.`,
	`[d]eb\.debian\.org`,
	`[p]ypi\.org`,
}, "|"))

func TestFilesSpeakOfTheProjectAlone(t *testing.T) {
	t.Parallel()
	files := committed(t)
	for _, name := range files {
		data, err := os.ReadFile(filepath.Join(root(), name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(data, 0) >= 0 {
			continue // not text
		}
		number := 0
		for line := range bytes.Lines(data) {
			number++
			if word := strange.Find(line); word != nil {
				t.Errorf("%s:%d: %q means nothing on another machine", name, number, word)
			}
		}
	}
	if !slices.Contains(files, "go.mod") {
		t.Errorf("go.mod is not among %d files: the files were not listed", len(files))
	}
}

func TestStrangeWordsAreFound(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"see " + "/ho" + "me/ann/notes":            true,
		"`/wo" + "rk/main`":                        true,
		"in " + "sha" + "red/design.md":            true,
		"https://pro" + "xy.golang.org/x":          true,
		"- ./deploy/x:/mnt/shared/config/x:ro":     false,
		"network/work/shareds and github.com/home": false,
		"/var/lib/kafka/data and /etc/redis.conf":  false,
	} {
		if got := strange.MatchString(text); got != want {
			t.Errorf("%q is strange: %t, want %t", text, got, want)
		}
	}
}

// committed lists the files of the repository: those that git knows, or outside of
// a checkout all that are not hidden.
func committed(t *testing.T) []string {
	t.Helper()
	var known map[string]bool
	if output, err := exec.Command("git", "-C", root(), "ls-files", "-z").Output(); err == nil {
		known = map[string]bool{}
		for name := range strings.SplitSeq(string(output), "\x00") {
			known[name] = true
		}
	}
	var files []string
	err := filepath.WalkDir(root(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root(), path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		switch {
		case entry.IsDir() && (name == ".git" || name == ".stack" || name == "bin"):
			return fs.SkipDir
		case entry.Type().IsRegular() && (known[name] || known == nil):
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
