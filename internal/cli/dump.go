package cli

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/overview"
)

// dumpCommand packs what somebody who helps needs to see.
func dumpCommand() *cobra.Command {
	var r remote
	var file string
	var reasons bool
	cmd := &cobra.Command{
		Use: "support-dump", Short: "Pack what somebody who helps needs to see, without records and secrets", Args: cobra.NoArgs,
		Long: "Pack into one archive: what 'doctor' finds, versions, and of each module its plan, progress, tasks,\noptions, audit log, and what is parked. It holds no record, no key and no value of a PState; what handlers\nsaid when they failed may quote them, and is masked unless --reasons is given.\n" +
			"Passwords, tokens and keys that stand in a text are blotted out; user names and the parts of\naddresses before an @ as well. Look at it before you send it: it is plain JSON.",
		Example: "  coppice support-dump --output dump.tar.gz",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := r.named(); err != nil {
				return err
			}
			out, err := newArchive(file) // before all is looked at, which takes a while
			if err != nil {
				return err
			}
			files, err := r.examiner(cmd).collect(cmd.Context(), newMasker(reasons))
			if err == nil {
				err = writeArchive(out, files)
			}
			if err := errors.Join(err, out.Close()); err != nil {
				return errors.Join(err, os.Remove(file)) // a part of it helps nobody
			}
			if r.json {
				return printJSON(cmd.OutOrStdout(), struct {
					File  string `json:"file"`
					Files int    `json:"files"`
				}{file, len(files)})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", file, count(len(files), "file"))
			return err
		},
	}
	r.register(cmd)
	cmd.Flags().StringVar(&file, "output", "coppice-dump.tar.gz", "the archive to write")
	cmd.Flags().BoolVar(&reasons, "reasons", false, "hold what handlers said when they failed, too: it may quote records, keys and values")
	return cmd
}

// dumped is one file of the archive.
type dumped struct {
	name string
	data []byte
}

// dumper gathers files.
type dumper struct {
	files []dumped
	mask  *masker
}

// add adds a file of JSON, in which secrets are blotted out. v is anything that encodes.
func (d *dumper) add(name string, v any, err error) {
	if err != nil {
		v = struct {
			Error string `json:"error"`
		}{err.Error()}
	}
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		raw = fmt.Appendf(nil, "%q", err.Error())
	}
	d.files = append(d.files, dumped{name, append(blotted(raw), '\n')})
}

// collect asks for all that goes into a dump. What cannot be asked has its error in its place.
func (x *examiner) collect(ctx context.Context, mask *masker) ([]dumped, error) {
	d, r := &dumper{mask: mask}, x.r
	about := struct {
		Time time.Time `json:"time"`
		buildInfo
		Kafka string `json:"kafka"`
		Redis string `json:"redis"`
	}{Time: time.Now().UTC(), buildInfo: build(), Kafka: strings.Join(r.servers.Kafka.Brokers, ","), Redis: strings.Join(r.servers.Redis.Addresses, ",")}
	d.add("about.json", about, nil)
	found := x.examine(ctx)
	d.add("doctor.json", mask.findings(found, x.modules), nil)
	err := r.use(ctx, func(c *client.Client) error {
		modules, err := c.Modules(ctx)
		d.add("modules.json", modules, err)
		for _, m := range modules {
			d.module(ctx, c, x.seen(m.Name), m.Name)
		}
		return nil
	})
	if err != nil {
		d.add("error.json", nil, err) // the doctor says more
	}
	return d.files, ctx.Err()
}

// errUnseen: the doctor did not come to look at the module.
var errUnseen = errors.New("the module was not looked at: see doctor.json")

// seen is how the doctor saw a module.
func (x *examiner) seen(name string) overview.Entry {
	for _, e := range x.modules {
		if e.Info.Name == name {
			return e
		}
	}
	return overview.Entry{Error: errUnseen.Error()}
}

func (d *dumper) module(ctx context.Context, c *client.Client, seen overview.Entry, name string) {
	folder := "modules/" + name + "/"
	describe, err := c.Describe(ctx, name)
	for i := range describe.PStates {
		describe.PStates[i].Initial = nil // a value
	}
	d.add(folder+"plan.json", describe, err)
	if seen.Module != nil {
		d.add(folder+"overview.json", d.mask.module(seen.Module), nil)
	} else {
		d.add(folder+"overview.json", nil, errors.New(seen.Error))
	}
	options, err := c.Options(ctx, name, client.OptionScope{})
	d.add(folder+"options.json", options, err)
	audit, err := c.Audit(ctx, name)
	d.add(folder+"audit.json", d.mask.audit(audit), err)
	parked, err := c.Parked(ctx, name)
	d.add(folder+"parked.json", withoutValues(parked, d.mask), err)
}

// parkedWithoutValue is what a dump tells of a parked record.
type parkedWithoutValue struct {
	client.ParkedRef
	Time       time.Time `json:"time"`
	Reason     string    `json:"reason"`
	Attempts   int       `json:"attempts"`
	Edited     bool      `json:"edited"`
	KeyBytes   int       `json:"keyBytes"`
	ValueBytes int       `json:"valueBytes"`
}

func withoutValues(all []client.ParkedRecord, mask *masker) []parkedWithoutValue {
	out := []parkedWithoutValue{}
	for i := range all {
		r := &all[i]
		out = append(out, parkedWithoutValue{r.ParkedRef, r.Time, mask.text(r.Reason), r.Attempts, r.Edited, len(r.Key), len(r.Value)})
	}
	return out
}

// secretName is a name that says that a secret is behind it, and assigned what leads from there
// to its value.
const (
	secretName = `(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|authorization|sasl\.jaas\.config)[\w.-]*`
	assigned   = secretName + `(?:\\?["'])?\s*[:=]\s*`
)

// secrets are forms in which secrets stand in JSON and its texts: each keeps its first group,
// and a second one behind an @; none takes a quote of JSON's own.
var secrets = []*regexp.Regexp{
	// a field with its text, whatever is in it
	regexp.MustCompile(`(?i)(` + secretName + `"\s*:\s*")(?:[^"\\]|\\.)+`),
	// a name in a text, with its value in quotes
	regexp.MustCompile(`(?i)(` + assigned + `\\")[^"\\]+`),
	regexp.MustCompile(`(?i)(` + assigned + `')[^'"\\]+`),
	// a name, with its value up to the next gap
	regexp.MustCompile(`(?i)(` + assigned + `(?:bearer |basic )?)[^\s"'\\,;&{}\[]+`),
	// user and password of an address
	regexp.MustCompile(`(\w+://)[^\s/"']+@`),
	// the same without a scheme, known by the host and port behind it
	regexp.MustCompile(`()[^\s/"'\\:@,;=(]*:(?:[^\s"'\\/]|/[^\s"'\\/])[^\s"'\\]*@((?:[\w.-]+|\[[[:xdigit:]:]+\]):\d+)`),
	// headers and keys that are known by their looks
	regexp.MustCompile(`(?i)(bearer\s+)[\w.~+/=-]{8,}`),
	regexp.MustCompile(`()\beyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*`),
	regexp.MustCompile(`()\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`),
	regexp.MustCompile(`()\b(?:gh[pousr]_|xox[abprs]-|sk_live_|glpat-)[\w-]{10,}`),
	regexp.MustCompile(`()-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^"]*?-----END [A-Z ]*PRIVATE KEY-----|[^"]*)`),
}

const blot = "█████"

// blotted takes secrets out of a text.
func blotted(raw []byte) []byte {
	text := string(raw)
	for _, s := range secrets {
		text = s.ReplaceAllStringFunc(text, func(found string) string {
			parts := s.FindStringSubmatch(found)
			kept := parts[1]
			if len(parts) > 2 {
				return kept + blot + "@" + parts[2]
			}
			if strings.HasSuffix(found, "@") {
				return kept + blot + "@"
			}
			return kept + blot
		})
	}
	return []byte(text)
}

// newArchive makes a file that did not exist.
func newArchive(name string) (*os.File, error) {
	out, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--output: %w", err)
	}
	return out, nil
}

// writeArchive writes the files into one.
func writeArchive(out io.Writer, files []dumped) error {
	packed := gzip.NewWriter(out)
	archive := tar.NewWriter(packed)
	for _, f := range files {
		if err := archive.WriteHeader(&tar.Header{Name: "coppice-dump/" + f.name, Mode: 0o600, Size: int64(len(f.data)), ModTime: time.Now()}); err != nil {
			return err
		}
		if _, err := archive.Write(f.data); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), packed.Close())
}
