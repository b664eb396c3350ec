package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/coppice-run/coppice/deploy"
)

// Fetch has Maven fetch the jars of the native Kafka unless the user's cache
// folder has them; the native start does so by itself. Progress, if not nil, is
// told one line per step. Errors: *[MissingToolError].
func Fetch(ctx context.Context, progress func(line string)) error {
	if progress == nil {
		progress = func(string) {}
	}
	_, err := jars(ctx, Config{Progress: progress})
	return err
}

// jars returns the folder with Kafka's jars, and has Maven fill it the first
// time. The folder's name holds the pom's digest: a changed pom is a new folder.
func jars(ctx context.Context, config Config) (string, error) {
	folder, err := jarFolder()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("stack: Kafka's jars: %w", err)
	}
	if err := maven.check(ctx, runProgram); err != nil {
		return "", err
	}
	began := time.Now()
	config.report("kafka: fetching the jars by Maven into %s (45 MB, once)", folder)
	if err := fetchJars(ctx, folder); err != nil {
		return "", err
	}
	config.report("kafka: jars fetched in %.1f s", time.Since(began).Seconds())
	return folder, nil
}

func jarFolder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("stack: cache folder for Kafka's jars: %w", err)
	}
	version, err := kafkaVersion()
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(deploy.KafkaPom)
	return filepath.Join(cache, "coppice", "kafka-"+version+"-"+hex.EncodeToString(digest[:4])), nil
}

// kafkaVersion reads the pinned version from the pom, its one home.
func kafkaVersion() (string, error) {
	var pom struct {
		Version string `xml:"properties>kafka.version"`
	}
	if err := xml.Unmarshal(deploy.KafkaPom, &pom); err != nil {
		return "", fmt.Errorf("stack: deploy/kafka/pom.xml: %w", err)
	}
	if pom.Version == "" {
		return "", errors.New("stack: deploy/kafka/pom.xml has no property kafka.version")
	}
	return pom.Version, nil
}

// fetchJars fills a folder of its own and renames it, so that a fetch that was
// cut short is never taken for a whole one.
func fetchJars(ctx context.Context, folder string) error {
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return fmt.Errorf("stack: cache folder for Kafka's jars: %w", err)
	}
	work, err := os.MkdirTemp(filepath.Dir(folder), "fetch-")
	if err != nil {
		return fmt.Errorf("stack: cache folder for Kafka's jars: %w", err)
	}
	defer os.RemoveAll(work)
	pom, libs := filepath.Join(work, "pom.xml"), filepath.Join(work, "libs")
	if err := os.WriteFile(pom, deploy.KafkaPom, 0o644); err != nil {
		return fmt.Errorf("stack: cache folder for Kafka's jars: %w", err)
	}
	fetch := exec.CommandContext(ctx, "mvn", "--batch-mode", "--quiet", "--no-transfer-progress", "--file", pom,
		"dependency:copy-dependencies", "-DoutputDirectory="+libs)
	if output, err := fetch.CombinedOutput(); err != nil {
		return fmt.Errorf("stack: fetch Kafka's jars: %w\n%s", err, strings.TrimSpace(string(output)))
	}
	if err := os.Rename(libs, folder); err != nil {
		if _, there := os.Stat(folder); there == nil {
			return nil // somebody else was faster
		}
		return fmt.Errorf("stack: cache folder for Kafka's jars: %w", err)
	}
	return nil
}
