package stack

import (
	"context"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
)

// tool is a program that the native start needs.
type tool struct {
	name      string
	flag      string // makes it print its version
	version   *regexp.Regexp
	versionIs string // how the least version is called
	leastIs   int    // its first number
	install   string
}

var (
	// Debian's redis-server. EVAL_RO and the port of the cluster bus came with 7.
	redisServer = tool{
		name: "redis-server", flag: "--version", version: regexp.MustCompile(`v=(\d+)(\.\d+)*`),
		versionIs: "Redis 7", leastIs: 7, install: "apt-get install redis-server",
	}
	// Kafka 4's broker is compiled for Java 17.
	java = tool{
		name: "java", flag: "-version", version: regexp.MustCompile(`version "(\d+)[^"]*"`),
		versionIs: "Java 17", leastIs: 17, install: "apt-get install default-jre-headless",
	}
	maven = tool{name: "mvn", install: "apt-get install maven"}
)

// check finds the program and asks its version.
func (t tool) check(ctx context.Context, run runner) error {
	if _, err := exec.LookPath(t.name); err != nil {
		return &MissingToolError{Tool: t.name, Install: t.install}
	}
	if t.version == nil {
		return nil
	}
	output, err := run(ctx, nil, t.name, t.flag)
	if err != nil {
		return &OldToolError{Tool: t.name, Version: output, Want: t.versionIs, Install: t.install}
	}
	// A version that we cannot read is none of our business: the start will tell.
	match := t.version.FindStringSubmatch(output)
	if match == nil {
		return nil
	}
	if number, err := strconv.Atoi(match[1]); err == nil && number < t.leastIs {
		return &OldToolError{Tool: t.name, Version: match[0], Want: t.versionIs, Install: t.install}
	}
	return nil
}

// checkTools says what the native start of these servers lacks.
func checkTools(ctx context.Context, servers []Server, run runner) error {
	if runtime.GOOS != "linux" && len(servers) > 0 {
		return &MissingToolError{
			Tool:    "a container engine",
			Install: "the native start reads Linux's /proc; on " + runtime.GOOS + " start Docker, then `make stack` uses it",
		}
	}
	asked := map[string]bool{}
	for _, server := range servers {
		tool := redisServer
		if server.Role == Kafka {
			tool = java
		}
		if asked[tool.name] {
			continue
		}
		asked[tool.name] = true
		if err := tool.check(ctx, run); err != nil {
			return err
		}
	}
	return nil
}
