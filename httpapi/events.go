package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// eventWriter writes server-sent events. Who does not take them in time is given up.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	begun   bool
	number  int
}

func (o *eventWriter) event(kind string, v any) bool {
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return false
	}
	o.number++
	return o.write(fmt.Sprintf("event: %s\nid: %d\ndata: %s\n", kind, o.number, data.Bytes()))
}

// comment is what readers of events skip.
func (o *eventWriter) comment(text string) bool { return !o.begun || o.write(": "+text+"\n\n") }

func (o *eventWriter) write(text string) bool {
	if !o.begun {
		o.begun = true
		header := o.w.Header()
		header.Set("Content-Type", "text/event-stream")
		header.Set("Cache-Control", "no-store")
		header.Set("X-Accel-Buffering", "no")
	}
	_ = o.control.SetWriteDeadline(time.Now().Add(o.timeout)) // not every server can
	if _, err := o.w.Write([]byte(text)); err != nil {
		return false
	}
	return o.control.Flush() == nil
}
