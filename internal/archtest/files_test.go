package archtest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// fileBytesMax is more than any source, document or picture of the repository needs.
const fileBytesMax = 1 << 20

// What go build leaves in the folder of a program, and dumps of all kinds, are not to be committed:
// whoever clones the repository would carry them for ever.
func TestNoLargeFiles(t *testing.T) {
	t.Parallel()
	git := exec.Command("git", "ls-files", "-z")
	git.Dir = root()
	list, err := git.Output()
	if err != nil {
		t.Skipf("the files of the repository are known within a clone alone: %v", err)
	}
	names := bytes.Split(bytes.TrimSuffix(list, []byte{0}), []byte{0})
	if len(names) < 100 {
		t.Errorf("there are %d files only", len(names))
	}
	for _, name := range names {
		info, err := os.Lstat(filepath.Join(root(), string(name)))
		if err == nil && info.Size() > fileBytesMax {
			t.Errorf("%s has %d bytes; a file may have %d: is it one that a program writes?", name, info.Size(), fileBytesMax)
		}
	}
}
