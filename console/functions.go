package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/overview"
)

// functions are those that templates call.
var functions = template.FuncMap{
	"at": at, "asset": asset, "query": query,
	"number": number[int64], "count": number[int], "rate": rate, "since": since, "clock": clock, "ago": ago, "span": span, "seconds": seconds, "short": short, "bytes": byteCount,
	"spark": spark, "sparkLag": sparkLag, "bar": bar, "graph": drawGraph,
	"taskState": taskState, "printable": printable, "pretty": pretty, "join": strings.Join, "plural": plural,
	"severity": severity, "page": findingPage, "lower": strings.ToLower,
	"treeState": treeState, "treeAt": treeAddress, "lanes": drawLane, "timeline": drawTimeline, "record": func(r eventtree.Record) *eventtree.Record { return &r },
	"clip": clip, "commit": commit, "numbers": numbers, "sum": func(a, b int64) int64 { return a + b }, "did": did,
	"finding": labelled, "worst": worst,
}

// query makes an address with parameters: names and values in turn. What is empty is left out.
func query(address string, pairs ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return address
	}
	return address + "?" + values.Encode()
}

// number has a thin space between groups of three digits.
func number[T int | int64](n T) string {
	text := strconv.FormatInt(int64(n), 10)
	sign := ""
	if text[0] == '-' {
		sign, text = "−", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return sign + text
}

// rate has as many digits as one reads at a glance.
func rate(perSecond float64) string {
	switch {
	case perSecond == 0:
		return "0"
	case perSecond < 10:
		return strconv.FormatFloat(perSecond, 'f', 1, 64)
	}
	return number(int64(math.Round(perSecond)))
}

// seconds words so many of them.
func seconds(n float64) string { return span(time.Duration(n * float64(time.Second))) }

// span words a duration with one or two units.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

func since(from, to time.Time) string { return span(to.Sub(from)) }
func ago(t time.Time) string          { return span(time.Since(t)) }

// clock is a time of day, with the day where it is another one.
func clock(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t = t.UTC()
	if now := time.Now().UTC(); now.YearDay() == t.YearDay() && now.Year() == t.Year() {
		return t.Format("15:04:05.000")
	}
	return t.Format("2006-01-02 15:04:05")
}

// short is the beginning of an id that is only told apart.
func short(id string) string {
	if len(id) <= 8 {
		return id
	}
	return id[:8]
}

func byteCount(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// printable is stored bytes as text, or in words where they are none.
func printable(raw []byte) string {
	if utf8.Valid(raw) {
		return string(raw)
	}
	const shown = 64
	text := fmt.Sprintf("% x", raw[:min(len(raw), shown)])
	if len(raw) > shown {
		text += " …"
	}
	return fmt.Sprintf("%d bytes: %s", len(raw), text)
}

// lineMax is how long JSON may be that is left on one line.
const lineMax = 110

// pretty is JSON with its lines indented where it is long; what is none stays as it is.
func pretty(raw []byte) string {
	var out bytes.Buffer
	if json.Compact(&out, raw) == nil && utf8.RuneCount(out.Bytes()) <= lineMax {
		return out.String()
	}
	out.Reset()
	if json.Indent(&out, raw, "", "  ") != nil {
		return printable(raw)
	}
	return out.String()
}

// state is a word with its colour.
type state struct{ Word, Level string }

func taskState(s overview.TaskState) state {
	level := map[overview.TaskState]string{overview.TaskRuns: "good", overview.TaskStarts: "info", overview.TaskHalted: "bad", overview.TaskSilent: "warn", overview.TaskNoOwner: "bad"}[s]
	return state{string(s), level}
}

func severity(s overview.Severity) state {
	return map[overview.Severity]state{overview.Broken: {"broken", "bad"}, overview.Stuck: {"stuck", "warn"}, overview.Notable: {"to know", "info"}}[s]
}

// findingPage is the page that says more about a finding.
func findingPage(module string, f overview.Finding) link {
	text := map[string]string{"tasks": "Show the tasks", "trees": "Show event trees", "parked": "Show parked records", "topologies": "Show the topology", "": "Show the module"}[f.Page]
	if f.Record != nil {
		return link{"Show the event tree", treeAddress(module, f.Record)}
	}
	if f.Page == "topologies" && f.Topology != "" {
		return link{text, at("m", module, "topologies", f.Topology)}
	}
	if f.Page == "" {
		return link{text, at("m", module)}
	}
	return link{text, at("m", module, f.Page)}
}

// labelledFinding is a finding as a page shows it.
type labelledFinding struct {
	Module, Label string
	Finding       overview.Finding
}

func labelled(module, label string, f overview.Finding) labelledFinding {
	return labelledFinding{module, label, f}
}

// worst is how bad the worst finding is, beyond what is to be known.
func worst(all []overview.Finding) (out state) {
	for i := range all {
		switch all[i].Severity {
		case overview.Broken:
			return severity(overview.Broken)
		case overview.Stuck:
			out = severity(overview.Stuck)
		}
	}
	return out
}

// clip cuts a text that would take too much of a page.
func clip(text string, runes int) string {
	if utf8.RuneCountInString(text) <= runes {
		return text
	}
	return string([]rune(text)[:runes-1]) + "…"
}

// commit shortens the token of a commit.
func commit(mark string) string {
	token, n, _ := strings.Cut(mark, "/")
	return short(token) + "/" + n
}

// numbers are those from 0 to n-1.
func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// did words an operation of the audit log.
func did(operation string) string {
	words := map[string]string{
		"setOption": "set an option", "unsetOption": "took a setting back", "retryParked": "retried a parked record", "skipParked": "skipped a parked record",
		"editParked": "edited a parked record", "pauseTopology": "paused", "resumeTopology": "resumed", "appendRecord": "appended a record",
	}[operation]
	if words == "" {
		return operation
	}
	return words
}
