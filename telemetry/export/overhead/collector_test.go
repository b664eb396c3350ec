package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestMain lets the tests' program be its own collector.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == collectorFlag {
		if err := beCollector(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestCollector(t *testing.T) {
	c, err := startCollector(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		answer, err := http.Post(c.url+"/v1/traces", "application/x-protobuf", strings.NewReader("four"))
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("answer %d, %v", answer.StatusCode, err)
		}
	}
	got, err := c.close()
	if err != nil || got != (collected{Requests: 3, Bytes: 12}) {
		t.Errorf("it got %+v, %v", got, err)
	}
	if _, err := http.Get(c.url); err == nil {
		t.Error("it answers when it has ended")
	}
}
