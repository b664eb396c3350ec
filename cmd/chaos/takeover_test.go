package main

import (
	"slices"
	"testing"
	"time"

	"github.com/coppice-run/coppice/internal/chaos"
)

func TestTakeovers(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Unix(int64(1000+s), 0) }
	tooks := []took{
		{1, "worker-1", at(0)}, {2, "worker-2", at(0)}, {3, "worker-1", at(0)},
		{1, "worker-2", at(13)}, // worker 1 was killed at 10
		{3, "worker-1", at(15)}, // … and has come back
		{2, "worker-3", at(26)}, // worker 2 was paused at 20
		{1, "worker-3", at(40)}, // … and went on at 30 with this one
	}
	spans := []chaos.Span{
		{Kind: chaos.WorkerKill, Victim: "worker 1", From: at(10), Until: at(12)},
		{Kind: chaos.WorkerPause, Victim: "worker 2", From: at(20), Until: at(30)},
		{Kind: chaos.RedisCut, Victim: "redis", From: at(21), Until: at(22)},
	}
	got := takeovers(spans, tooks, func(victim string) string { return "worker-" + victim[len(victim)-1:] })
	if want := []time.Duration{3 * time.Second, 5 * time.Second, 6 * time.Second}; !slices.Equal(got, want) {
		t.Errorf("take-overs took %v, want %v", got, want)
	}
}
