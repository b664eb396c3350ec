package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"
)

// TestMain lets the tests' program be its own children.
func TestMain(m *testing.M) {
	if what := os.Getenv(childVariable); what != "" {
		if err := beChild(what, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// fakes are servers in this process, which children reach as they reach real ones.
func fakes(t *testing.T) *servers {
	t.Helper()
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	s, err := connect(t.Context(), options{kafka: kafka.ListenAddrs()[0], redis: miniredis.RunT(t).Addr(), acks: 20, rounds: 1, open: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func TestAcksAreMeasuredFromAnotherProcess(t *testing.T) {
	t.Parallel()
	s, r := fakes(t), &report{}
	if err := ackWorkload(t.Context(), s, s.options, r); err != nil {
		t.Fatal(err)
	}
	if len(r.Figures) != 16 {
		t.Errorf("%d figures", len(r.Figures))
	}
	for _, f := range r.Figures {
		for _, subject := range []string{ours, "floor"} {
			if v := f.of(subject); len(v) != 1 || v[0] <= 0 {
				t.Errorf("%s of %s is %v", f.Workload, subject, v)
			}
		}
	}
}

func TestAWrongCountVoidsARound(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), fakes(t)
	a, err := startFloor(ctx, s, true)
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.order(ctx, order{Appenders: 2, Each: 3})
	a.fold[appenderKey(1)]++ // one that is lost
	if err = a.end(ctx, err); err == nil || !strings.Contains(err.Error(), "was counted 3 times, the input has it 4 times") {
		t.Errorf("a lost append is %v", err)
	}
}

func TestAChildTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := startChild(t.Context(), role{Does: clientOfFloor, Kafka: "127.0.0.1:1", Replies: "127.0.0.1:1"})
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("a client whose loop is not there: %v", err)
	}
}

func TestAChildEndsWithTheRun(t *testing.T) {
	t.Parallel()
	s := fakes(t)
	a, err := startFloor(t.Context(), s, true)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = a.order(ctx, order{Appenders: 1, Each: 1 << 30}); err == nil {
		t.Error("an order without end has an answer")
	}
	if err = a.end(t.Context(), err); err == nil || a.client.(*child).command.ProcessState == nil {
		t.Errorf("the process is still there: %v", err)
	}
}

// What begins late because something is slow has the delay in its own time.
func TestAScheduleCountsFromWhenAnAppendWasDue(t *testing.T) {
	t.Parallel()
	const stall = 30 * time.Millisecond // until the one that is due so much later
	later := make(chan struct{})
	samples, late, _, err := schedule(t.Context(), 1000, 100*time.Millisecond, func(_ context.Context, i int) error {
		switch i {
		case 50:
			<-later
		case 80:
			close(later)
		}
		return nil
	})
	if err != nil || len(samples) != 100 || samples[50] < stall || late < 0 {
		t.Errorf("%d samples, %v, %v: %v", len(samples), samples[50], late, err)
	}
}
