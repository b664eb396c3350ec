package console

import (
	"net/http"
	"strings"
	"testing"
)

// A page looks at its module once, its navigation included.
func TestOneLookForAPage(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"/m/shop", "/m/shop/topologies/sell", "/m/shop/tasks", "/m/shop/trees", "/m/shop/options"} {
		f := newFake(4)
		h := newTestHandler(t, f)
		if w := visit(t, h, http.MethodGet, address, nil); w.Code != http.StatusOK || f.looks != 1 {
			t.Errorf("%s: %d, after %d looks", address, w.Code, f.looks)
		}
	}
}

// A partition that cannot be read is told of by its depot and topic, and hides nothing else.
func TestUnreadablePartition(t *testing.T) {
	t.Parallel()
	f := newFake(4)
	f.unread = "there is <no> such topic"
	h := newTestHandler(t, f)
	for address, wants := range map[string][]string{
		"/m/shop":                 {"the progress with depot orders cannot be read: topic coppice.shop.orders, partition 1", "there is &lt;no&gt; such topic", "1 record is parked", "cannot be read</span>"},
		"/m/shop/topologies/sell": {"there is &lt;no&gt; such topic", "End of the depot"},
		"/m/shop/tasks":           {"10.0.0.2:7070"},
	} {
		w := visit(t, h, http.MethodGet, address, nil)
		for _, want := range wants {
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: %d, and no %q in\n%s", address, w.Code, want, clip(w.Body.String(), 3000))
			}
		}
	}
}
