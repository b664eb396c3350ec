package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// peerSources are the programs of other engines, ours as well, and the lists of their jars.
//
//go:embed peers
var peerSources embed.FS

// program is a program of another engine.
type program struct {
	name  string // of its folder
	class string
	flags []string // of java
	loses bool     // a round may get stuck, and can be run again
}

// errStuck: a program waited half a minute for events that did not come.
var errStuck = errors.New("a round came to a standstill")

// stuck is how programs say so: Progress.await of peers/common.
var stuck = regexp.MustCompile(`\d+ of \d+ (events counted|trees acked)$`)

var (
	kafkaStreams = program{"streams", "StreamsPeer", nil, false}
	flink        = program{"flink", "FlinkPeer", []string{ // what its serializers reach into
		"--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.time=ALL-UNNAMED"}, false}
	storm = program{"storm", "StormPeer", []string{"--add-opens=java.base/java.lang=ALL-UNNAMED", "--add-opens=java.base/java.util=ALL-UNNAMED"}, true} // of some rounds, tuples are neither acked nor failed
)

// jvm is a program that runs, and works when it is asked.
type jvm struct {
	program program
	command *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Scanner
	folder  string // of its own, for what it writes
	version string // of Java
}

// start builds a program if need be and starts it.
func (p program) start(ctx context.Context, s *servers) (*jvm, error) {
	folder, err := p.build(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	j := &jvm{program: p}
	if j.folder, err = os.MkdirTemp("", "coppice-bench-"); err != nil {
		return nil, err
	}
	if err := j.launch(ctx, folder, s); err != nil {
		return nil, errors.Join(err, os.RemoveAll(j.folder))
	}
	if j.version, err = j.answer("ready "); err != nil {
		j.stop()
		return nil, err
	}
	return j, nil
}

// launch starts the program of a folder in the one of its own.
func (j *jvm) launch(ctx context.Context, folder string, s *servers) error {
	p := j.program
	// The heap has its full size at once: growing it is no part of the work.
	args := append([]string{"-Xms2g", "-Xmx2g", "-XX:+UseParallelGC", "-Djava.io.tmpdir=" + j.folder,
		"-Dlog4j2.configurationFile=" + filepath.Join(folder, "sources", "peers", p.name, "log4j2.xml")}, p.flags...)
	args = append(args, "-cp", filepath.Join(folder, "classes")+":"+filepath.Join(folder, "jars", "*"), p.class, s.options.kafka)
	j.command = exec.CommandContext(ctx, "java", args...)
	j.command.Dir = j.folder
	log, err := os.Create(filepath.Join(j.folder, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	j.command.Stderr = log
	if j.orders, err = j.command.StdinPipe(); err != nil {
		return err
	}
	out, err := j.command.StdoutPipe()
	if err != nil {
		return err
	}
	j.answers = bufio.NewScanner(out)
	return j.command.Start()
}

// round has the program process an input, and returns the parts of its time and what it counted.
func (j *jvm) round(workload, guarantee string, in *input) ([]part, map[string]int64, error) {
	file := filepath.Join(j.folder, "counts")
	if _, err := fmt.Fprintln(j.orders, workload, guarantee, in.topic, in.records, in.events, file); err != nil {
		return nil, nil, err
	}
	answer, err := j.answer("done ")
	if err != nil {
		return nil, nil, err
	}
	parts, err := parseParts(answer)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", j.program.name, err)
	}
	counts, err := readCounts(file)
	return parts, counts, err
}

// answer waits for a line of a kind and returns the rest of it.
func (j *jvm) answer(want string) (string, error) {
	if !j.answers.Scan() {
		log, _ := os.ReadFile(filepath.Join(j.folder, "log"))
		return "", fmt.Errorf("%s ended: %w\n%s", j.program.name, errors.Join(j.answers.Err(), j.command.Wait()), tail(string(log), 4000))
	}
	line := j.answers.Text()
	rest, ok := strings.CutPrefix(line, want)
	if why, failed := strings.CutPrefix(line, "failed "); failed && j.program.loses && stuck.MatchString(why) {
		return "", fmt.Errorf("%s: %w: %s", j.program.name, errStuck, why)
	}
	if !ok {
		log, _ := os.ReadFile(filepath.Join(j.folder, "log"))
		return "", fmt.Errorf("%s answered %q\n%s", j.program.name, line, tail(string(log), 4000))
	}
	return rest, nil
}

func tail(text string, bytes int) string { return text[max(0, len(text)-bytes):] }

// stop ends the program, which does so when its input ends.
func (j *jvm) stop() {
	_ = j.orders.Close()
	kill := time.AfterFunc(10*time.Second, func() { _ = j.command.Process.Kill() })
	defer kill.Stop()
	_ = j.command.Wait()
	_ = os.RemoveAll(j.folder)
}

// readCounts reads lines of a count and a key.
func readCounts(file string) (map[string]int64, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	for line := range strings.Lines(string(raw)) {
		count, key, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.ParseInt(count, 10, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("%s has the line %q", file, line)
		}
		counts[key] += n
	}
	return counts, nil
}

// build has Maven fetch the jars and compiles the program, unless the user's cache has both for
// exactly these sources. It returns the folder with jars and classes.
func (p program) build(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	digest, sources := sha256.New(), []string{}
	for _, part := range []string{"common", p.name} {
		err := fs.WalkDir(peerSources, "peers/"+part, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			raw, err := peerSources.ReadFile(path)
			fmt.Fprintf(digest, "%s %d\n%s", path, len(raw), raw)
			sources = append(sources, path)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	folder := filepath.Join(cache, "coppice", "peer-"+p.name+"-"+hex.EncodeToString(digest.Sum(nil)[:6]))
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(filepath.Dir(folder), "peer-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := p.compile(ctx, work, sources); err != nil {
		return "", err
	}
	return folder, os.Rename(work, folder)
}

func (p program) compile(ctx context.Context, work string, sources []string) error {
	if err := os.CopyFS(filepath.Join(work, "sources"), peerSources); err != nil {
		return err
	}
	jars, classes := filepath.Join(work, "jars"), filepath.Join(work, "classes")
	fetch := exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", "--no-transfer-progress",
		"--file", filepath.Join(work, "sources", "peers", p.name, "pom.xml"), "dependency:copy-dependencies", "-DoutputDirectory="+jars)
	if out, err := fetch.CombinedOutput(); err != nil {
		return fmt.Errorf("maven (apt-get install maven): %w\n%s", err, tail(string(out), 4000))
	}
	args := []string{"-nowarn", "-d", classes, "-cp", filepath.Join(jars, "*")}
	for _, path := range sources {
		if strings.HasSuffix(path, ".java") {
			args = append(args, filepath.Join(work, "sources", path))
		}
	}
	if out, err := exec.CommandContext(ctx, "javac", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("javac (apt-get install default-jdk-headless): %w\n%s", err, tail(string(out), 4000))
	}
	return nil
}
