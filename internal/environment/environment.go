// Package environment is what results of measurements hold beside their figures, the same for all
// commands that measure: bench, which makes the page of them, and cmd/takeover.
package environment

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Facts are what figures were measured on, when, of what and how.
type Facts struct {
	Date       string `json:",omitempty"` // when the run began
	Commit     string `json:",omitempty"` // of the sources, and whether they were changed
	Options    string `json:",omitempty"` // of the command
	Processor  string
	Processors int
	System     string
	Go         string
	Kafka      string
	Redis      string
	Java       string `json:",omitempty"`
	Libraries  []string
	Durability string
	Shared     string `json:",omitempty"` // who else used the machine
}

// On are the facts of this process, which was started with options, and of the servers that it uses.
func On(ctx context.Context, kafka *kgo.Client, redis *redis.Client, options, shared string) Facts {
	return Facts{
		Date: time.Now().UTC().Format("2006-01-02 15:04 UTC"), Commit: commit(ctx), Options: options,
		Processor: processor(), Processors: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Kafka: kafkaVersion(ctx, kafka), Redis: redisVersion(ctx, redis), Libraries: libraries(),
		Durability: "appends: acks=all, one broker; commits: applied by Redis (" + persistence(ctx, redis) + "), not awaited on a disk or a replica, for all Go subjects alike",
		Shared:     shared,
	}
}

func (e Facts) String() string {
	return fmt.Sprintf("%s, %d processors, %s, %s; Kafka %s, Redis %s; %s", e.Processor, e.Processors, e.System, e.Go, e.Kafka, e.Redis, e.Durability)
}

// Options writes the flags of a command that have a value, defaults too, but for some that tell
// nothing of what is measured.
func Options(flags *flag.FlagSet, but ...string) string {
	var set []string
	flags.VisitAll(func(f *flag.Flag) {
		if f.Value.String() != "" && !slices.Contains(but, f.Name) {
			set = append(set, "-"+f.Name+" "+f.Value.String())
		}
	})
	return strings.Join(set, " ")
}

// commit names the sources that this process runs in: it is started by 'go run'. What measuring
// writes itself, results and pages, is no change of theirs.
func commit(ctx context.Context) string {
	name, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	text := strings.TrimSpace(string(name))
	changes, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--", ":(top)", ":(top,exclude)bench/results", ":(top,exclude)docs").Output()
	switch {
	case err != nil:
		return text + ", perhaps dirty"
	case len(changes) > 0:
		return text + ", dirty"
	}
	return text
}

// processor is the name that Linux gives the machine's processor.
func processor() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// libraries are the clients that all Go subjects share, as this program was built with.
func libraries() (found []string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	for _, d := range info.Deps {
		if strings.Contains(d.Path, "franz-go") || strings.Contains(d.Path, "go-redis") {
			found = append(found, d.Path+" "+d.Version)
		}
	}
	return found
}

func kafkaVersion(ctx context.Context, kafka *kgo.Client) string {
	versions, err := kadm.NewClient(kafka).ApiVersions(ctx)
	if err != nil {
		return "?"
	}
	for _, v := range versions {
		return v.VersionGuess()
	}
	return "?"
}

func redisVersion(ctx context.Context, client *redis.Client) string {
	info := client.Info(ctx, "server").Val()
	for line := range strings.SplitSeq(info, "\r\n") {
		if v, ok := strings.CutPrefix(line, "redis_version:"); ok {
			return v
		}
	}
	return "?"
}

func persistence(ctx context.Context, client *redis.Client) string {
	settings := client.ConfigGet(ctx, "append*").Val()
	if settings["appendonly"] != "yes" {
		return "no append-only file"
	}
	return "append-only file, fsync " + settings["appendfsync"]
}
