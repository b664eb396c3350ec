package stack

import (
	"errors"
	"regexp"
	"testing"
)

func TestToolsThatAreTooOldAreNamed(t *testing.T) {
	t.Parallel()
	// A program that is everywhere stands for the real one.
	like := func(pattern *regexp.Regexp, least int) tool {
		return tool{name: "sh", flag: "-version", version: pattern, versionIs: "this", leastIs: least, install: "so"}
	}
	for _, test := range []struct {
		name, output string
		tool         tool
		old          bool
	}{
		{"Java 8", `openjdk version "1.8.0_402"`, like(java.version, 17), true},
		{"Java 11", `openjdk version "11.0.22" 2024-01-16`, like(java.version, 17), true},
		{"Java 17", "openjdk version \"17.0.12\" 2024-07-16\nOpenJDK Runtime", like(java.version, 17), false},
		{"Java 26 early access", `openjdk version "26-ea" 2026-03-17`, like(java.version, 17), false},
		{"Redis 6", "Redis server v=6.2.14 sha=00000000:0", like(redisServer.version, 7), true},
		{"Redis 7", "Redis server v=7.0.15 sha=00000000:0", like(redisServer.version, 7), false},
		{"Redis 10", "Redis server v=10.0.0 sha=00000000:0", like(redisServer.version, 7), false},
		{"no version", "hello", like(redisServer.version, 7), false},
	} {
		fake := fakeRun{print: map[string]string{"sh -version": test.output}}
		var old *OldToolError
		if err := test.tool.check(t.Context(), fake.run); errors.As(err, &old) != test.old || (err != nil) != test.old {
			t.Errorf("%s: error %v, want too old: %t", test.name, err, test.old)
		}
	}
}

func TestToolsThatAreMissingAreNamed(t *testing.T) {
	t.Parallel()
	absent := tool{name: "no-such-program-anywhere", install: "apt-get install it"}
	var missing *MissingToolError
	if err := absent.check(t.Context(), runProgram); !errors.As(err, &missing) || missing.Install != absent.install {
		t.Errorf("error %v: want a MissingToolError that says how to install", err)
	}
}
