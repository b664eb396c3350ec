package kafkadepot_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/coppice-run/coppice/depot"
)

// Facts are of topics of modules; those of others are told by name, and none is made by asking.
func TestFactsOfTopicsOfOthers(t *testing.T) {
	t.Parallel()
	_, config := startBroker(t)
	log := openLog(t, config)
	admin := adminOf(t, config)
	if _, err := admin.CreateTopics(t.Context(), 2, 1, map[string]*string{"retention.ms": kadm.StringPtr("7")}, depot.TopicName("M", "d"), "shop.invoices", "other"); err != nil {
		t.Fatal(err)
	}
	facts, err := log.Facts(t.Context())
	if err != nil || len(facts.Topics) != 1 || facts.Topics[0].Module != "M" || facts.Topics[0].Depot != "d" {
		t.Errorf("of modules: %+v, %v", facts.Topics, err)
	}
	others, err := log.TopicFacts(t.Context(), "shop.invoices", "none")
	if err != nil || len(others) != 1 || others[0].Name != "shop.invoices" || others[0].Module != "" || others[0].Partitions != 2 || others[0].Config["retention.ms"] != "7" {
		t.Errorf("of others: %+v, %v", others, err)
	}
	if all, err := admin.ListTopics(t.Context()); err != nil || all.Has("none") {
		t.Errorf("asking has made a topic: %v, %v", all.Names(), err)
	}
}

// A name that no topic can have is that of no module: nothing is known of it, and nothing is wrong.
func TestMetaOfANameThatNoTopicCanHave(t *testing.T) {
	t.Parallel()
	broker, config := startBroker(t)
	log := openLog(t, config)
	broker.ControlKey(int16(kmsg.Metadata), func(request kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		asked := request.(*kmsg.MetadataRequest)
		if len(asked.Topics) != 1 {
			return nil, nil, false
		}
		answer := asked.ResponseKind().(*kmsg.MetadataResponse) // as Kafka does
		one := kmsg.NewMetadataResponseTopic()
		one.Topic, one.ErrorCode = asked.Topics[0].Topic, kerr.InvalidTopicException.Code
		answer.Topics = append(answer.Topics, one)
		return answer, nil, true
	})
	if facts, err := log.Meta(t.Context(), "a/b"); err != nil || len(facts) != 0 {
		t.Errorf("%v, %v", facts, err)
	}
}
