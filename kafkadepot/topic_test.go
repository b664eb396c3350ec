package kafkadepot_test

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/kafkadepot"
)

// Topics that would lose records, or their time, in silence are refused, with
// what to set (T25, T29); topics of others are no depots.
func TestTopicsThatAreRefused(t *testing.T) {
	t.Parallel()
	_, config := startBroker(t)
	log := openLog(t, config)
	admin := adminOf(t, config)
	for name, c := range map[string]struct {
		configs map[string]*string
		want    string
	}{
		"compacted": {map[string]*string{"cleanup.policy": kadm.StringPtr("compact"), "message.timestamp.type": kadm.StringPtr("LogAppendTime")}, "cleanup.policy=delete"},
		"clients":   {map[string]*string{"message.timestamp.type": kadm.StringPtr("CreateTime")}, "message.timestamp.type=LogAppendTime"},
	} {
		if _, err := admin.CreateTopic(t.Context(), 2, 1, c.configs, depot.TopicName("M", name)); err != nil {
			t.Fatal(err)
		}
		_, err := log.Ensure(t.Context(), depot.TopicSpec{Module: "M", Depot: name, Partitions: 2})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), depot.TopicName("M", name)) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
	}
	if _, err := admin.CreateTopic(t.Context(), 1, 1, nil, "somebody.elses"); err != nil {
		t.Fatal(err)
	}
	specs, err := log.Topics(t.Context(), "")
	if err != nil || len(specs) != 2 {
		t.Errorf("depots %v, %v", specs, err)
	}
}

func TestConfigMistakes(t *testing.T) {
	t.Parallel()
	for _, brokers := range [][]string{nil, {"nohost"}} {
		if _, err := kafkadepot.Open(t.Context(), kafkadepot.Config{Brokers: brokers}); err == nil {
			t.Errorf("brokers %q were taken", brokers)
		}
	}
}
