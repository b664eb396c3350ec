package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

// environment is what the figures were measured on.
type environment struct {
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

func (s *servers) environment(ctx context.Context) environment {
	return environment{
		Processor: processor(), Processors: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Kafka: s.kafkaVersion(ctx), Redis: s.redisVersion(ctx), Libraries: libraries(),
		Durability: "appends: acks=all, one broker; commits: applied by Redis (" + s.redisPersistence(ctx) + "), not awaited on a disk or a replica, for all Go subjects alike",
		Shared:     s.options.shared,
	}
}

func (e environment) String() string {
	return fmt.Sprintf("%s, %d processors, %s, %s; Kafka %s, Redis %s; %s", e.Processor, e.Processors, e.System, e.Go, e.Kafka, e.Redis, e.Durability)
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

// libraries are the clients that all Go subjects share.
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

func (s *servers) kafkaVersion(ctx context.Context) string {
	versions, err := kadm.NewClient(s.kafka).ApiVersions(ctx)
	if err != nil {
		return "?"
	}
	for _, v := range versions {
		return v.VersionGuess()
	}
	return "?"
}

func (s *servers) redisVersion(ctx context.Context) string {
	info := s.redis.Info(ctx, "server").Val()
	for line := range strings.SplitSeq(info, "\r\n") {
		if v, ok := strings.CutPrefix(line, "redis_version:"); ok {
			return v
		}
	}
	return "?"
}

func (s *servers) redisPersistence(ctx context.Context) string {
	settings := s.redis.ConfigGet(ctx, "append*").Val()
	if settings["appendonly"] != "yes" {
		return "no append-only file"
	}
	return "append-only file, fsync " + settings["appendfsync"]
}
