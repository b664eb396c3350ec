package main

import (
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

//go:embed performance.md.tmpl scaling.md.tmpl
var templates embed.FS

// save writes the report as JSON.
func (r *report) save(file string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(raw, '\n'), 0o644)
}

// writeDocument writes docs/performance.md, and docs/scaling.md beside it: the prose of the
// templates with the figures of the JSON files. Of what was not measured the document says so.
func writeDocument(file, results string) error {
	reports := map[string]*report{}
	for _, name := range reportNames {
		raw, err := os.ReadFile(filepath.Join(results, name+".json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		r := &report{}
		if err := json.Unmarshal(raw, r); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		reports[name] = r
	}
	folder := filepath.Join(filepath.Dir(file), "performance")
	for _, r := range reports {
		for _, c := range r.Curves {
			if err := c.write(folder); err != nil {
				return err
			}
		}
	}
	functions := sentences(reports).functions()
	maps.Copy(functions, template.FuncMap{
		"goals":       func() string { return goalTable(reports) },
		"environment": func(name string) string { return documented(reports[name], environmentLines) },
		"runs":        func() string { return runTable(reports) },
		"repeats":     func(name string) string { return documented(reports[name], repeatList) },
		"figures":     func(name string) string { return documented(reports[name], figureTable) },
		"ratios":      func(name string) string { return documented(reports[name], ratioTable) },
		"parts":       func(name string) string { return documented(reports[name], partTable) },
		"appends":     func(name string) string { return documented(reports[name], appendTable) },
		"budgets":     func(name string) string { return documented(reports[name], budgetTable) },
		"curves":      func(name string) string { return documented(reports[name], curveList) },
	})
	err := fillTemplate(file, functions)
	if err != nil || reports["profile"] == nil {
		return err
	}
	figures := sentences(reports).functions()
	maps.Copy(figures, costs{reports["profile"], reports["growth"]}.functions())
	return fillTemplate(filepath.Join(filepath.Dir(file), "scaling.md"), figures)
}

// fillTemplate writes a file from the template of its name. What was there stays until all of the
// new one is written.
func fillTemplate(file string, functions template.FuncMap) error {
	name := filepath.Base(file) + ".tmpl"
	t, err := template.New(name).Funcs(functions).ParseFS(templates, name)
	if err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	if err := errors.Join(t.Execute(out, nil), out.Chmod(0o644), out.Close()); err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return os.Rename(out.Name(), file)
}

func documented(r *report, part func(*report) string) string {
	if r == nil {
		return "Not measured yet."
	}
	return part(r)
}

func environmentLines(r *report) string {
	e := r.Environment
	lines := []string{
		fmt.Sprintf("- %s, %d processors, %s; %s.", e.Processor, e.Processors, e.System, e.Go),
		fmt.Sprintf("- Kafka %s, Redis %s; clients %s.", e.Kafka, e.Redis, strings.Join(e.Libraries, ", ")),
	}
	if e.Java != "" {
		lines = append(lines, "- Java "+e.Java+".")
	}
	lines = append(lines, "- Durability: "+e.Durability+".")
	if e.Shared != "" {
		lines = append(lines, "- "+e.Shared)
	}
	return strings.Join(lines, "\n")
}

func figureTable(r *report) string {
	if len(r.Figures) == 0 {
		return "" // a file of former times
	}
	var b strings.Builder
	b.WriteString("| workload | subject | median | least | most | unit | rounds |\n|---|---|---:|---:|---:|---|---:|\n")
	for _, f := range r.Figures {
		for _, s := range f.Subjects {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %d |\n", f.Workload, s.Subject,
				number(median(s.Values)), number(slices.Min(s.Values)), number(slices.Max(s.Values)), f.Unit, len(s.Values))
		}
	}
	return b.String()
}

// repeatList tells of every round that was run again.
func repeatList(r *report) string {
	var b strings.Builder
	for _, f := range r.Figures {
		for _, a := range f.Again {
			fmt.Fprintf(&b, "- %s, %s: %s\n", f.Workload, a.Subject, a.Why)
		}
	}
	if b.Len() == 0 {
		return "Rounds that were run again: none that the results tell of."
	}
	return fmt.Sprintf("Rounds that were run again, %d of them, whose times count for nothing:\n\n", strings.Count(b.String(), "\n")) + b.String()
}

// number writes large numbers with thousands apart, small ones with two digits.
func number(v float64) string {
	if v < 1000 {
		return fmt.Sprintf("%.2f", v)
	}
	digits := fmt.Sprintf("%.0f", v)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

func ratioTable(r *report) string {
	if len(r.Figures) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("| figure | ratio | spread | goal | |\n|---|---:|---|---|---|\n")
	for _, f := range r.Figures {
		for _, peer := range f.peers() {
			ratios := f.ratios(peer)
			if len(ratios) == 0 {
				continue
			}
			goal := ""
			if g, ok := f.goal(peer); ok {
				goal = fmt.Sprintf("≥ %.2f", g)
				if f.LessIsBetter {
					goal = fmt.Sprintf("≤ %.2f", g)
				}
			}
			fmt.Fprintf(&b, "| %s: ours / %s | %.2f | %.2f to %.2f | %s | %s |\n", f.Workload, peer, median(ratios), slices.Min(ratios), slices.Max(ratios), goal, f.verdict(peer))
		}
	}
	return b.String()
}

// partTable has a row for each subject: medians of the parts of its rounds.
func partTable(r *report) string {
	var b strings.Builder
	b.WriteString("| workload | subject | start, ms | counting, ms | storing, ms | |\n|---|---|---:|---:|---:|---|\n")
	for _, x := range r.Breakdowns {
		for rows := x.Rows; len(rows) > 0; {
			fmt.Fprintf(&b, "| %s | %s |", x.Workload, rows[0].Subject)
			subject, others := rows[0].Subject, []string{}
			for len(rows) > 0 && rows[0].Subject == subject {
				millis := strings.TrimSuffix(number(math.Round(median(rows[0].Millis))), ".00")
				switch rows[0].Part {
				case startPart, countingPart, storingPart:
					b.WriteString(" " + millis + " |")
				default:
					others = append(others, rows[0].Part+" "+millis)
				}
				rows = rows[1:]
			}
			b.WriteString(" " + strings.Join(others, ", ") + " |\n")
		}
	}
	return b.String()
}

// ofAppends are the budgets of acked appends, whose workloads are ack, floor and those of many appenders, and
// others the rest.
func (r *report) ofAppends() (appends, others []*budget) {
	for _, b := range r.Budgets {
		if strings.HasPrefix(b.Workload, "ack") || strings.HasPrefix(b.Workload, "floor") {
			appends = append(appends, b)
		} else {
			others = append(others, b)
		}
	}
	return appends, others
}

// appendTable has a row for each budget of acked appends.
func appendTable(r *report) string {
	var b strings.Builder
	b.WriteString("| | CPU of the process, µs | CPU of Redis, µs | objects | bytes allocated | commits per 1,000 | commands per commit | switches of goroutines |\n|---|---:|---:|---:|---:|---:|---:|---:|\n")
	appends, _ := r.ofAppends()
	for _, x := range appends {
		u := x.Usage
		fmt.Fprintf(&b, "| %s | %.0f | %.0f | %.0f | %s | %s | %.1f | %.1f |\n", x.Workload, u.ProcessNanos/1000, u.RedisNanos/1000, x.Objects,
			whole3(x.Bytes), whole3(1000*u.Commits), u.Commands/max(u.Commits, 1e-12), u.Switches)
	}
	return b.String()
}

func budgetTable(r *report) string {
	var b strings.Builder
	_, budgets := r.ofAppends()
	b.WriteString("| stage |")
	for _, x := range budgets {
		fmt.Fprintf(&b, " %s, ns |", x.Workload)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(budgets)) + "\n")
	row := func(name string, value func(*budget) string) {
		b.WriteString("| " + name + " |")
		for _, x := range budgets {
			b.WriteString(" " + value(x) + " |")
		}
		b.WriteString("\n")
	}
	if len(budgets) > 0 {
		for i, s := range budgets[0].Stages {
			row(s.Stage, func(x *budget) string { return fmt.Sprintf("%.0f", x.Stages[i].Nanos) })
		}
	}
	row("all", func(x *budget) string { return fmt.Sprintf("%.0f", x.Nanos) })
	row("beside it, CPU of Redis", func(x *budget) string { return fmt.Sprintf("%.0f", x.Usage.RedisNanos) })
	row("objects allocated", func(x *budget) string { return fmt.Sprintf("%.2f", x.Objects) })
	row("bytes allocated", func(x *budget) string { return fmt.Sprintf("%.0f", x.Bytes) })
	row("most memory resident, MB", func(x *budget) string { return fmt.Sprintf("%.0f", x.ResidentMB) })
	return b.String()
}

func curveList(r *report) string {
	var b strings.Builder
	for _, c := range r.Curves {
		fmt.Fprintf(&b, "![%s](performance/%s.svg)\n\n%s\n\n", c.Title, c.Name, strings.TrimSuffix(cmp.Or(reasons[c.Name], c.Reason)+" "+c.lengths(), " "))
		if costs := c.costs(); costs != "" {
			b.WriteString(costs + "\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
