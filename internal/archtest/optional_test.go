package archtest

import (
	"path"
	"strings"
	"testing"
)

// optional are libraries that only who asks for them builds: each belongs to one
// package, which no other package of the project imports.
var optional = map[string]string{
	"google.golang.org/protobuf":      "codec/protobufcodec",
	"github.com/vmihailenco/msgpack":  "codec/msgpackcodec",
	"github.com/twmb/avro":            "codec/avrocodec",
	"github.com/twmb/franz-go/pkg/sr": "codec/registry",
}

// tried is where all codecs are tried; no program links it. Examples are programs that ask for
// what they show.
const tried = "internal/model"

// What few need is a dependency of few.
func TestOptionalLibrariesStayApart(t *testing.T) {
	t.Parallel()
	for library, owner := range optional {
		used := false
		for folder, pkg := range sources(t) {
			for name := range pkg.everything {
				if strings.HasPrefix(name, library) {
					used = true
					if folder != owner {
						t.Errorf("%s imports %s: that belongs into %s", folder, name, owner)
					}
				}
				if name == path.Join(modulePath, owner) && folder != tried && !strings.HasPrefix(folder, "examples/") {
					t.Errorf("%s imports %s: whoever imports it builds %s, too", folder, owner, library)
				}
			}
		}
		if !used {
			t.Errorf("nothing imports %s: the sources were not read", library)
		}
	}
}
