package eventtree

// Failing is a source whose records fail with an error, with one of those records.
type Failing struct {
	Topology string `json:"topology"`
	Source   string `json:"source"`
	Error    string `json:"error"`
	Records  int    `json:"records"` // of the trees that were counted
	Example  Record `json:"example"`
}

// FailingOf counts the errors of trees by the source and the text.
func FailingOf(all []Tree) (out []Failing) {
	type key struct{ topology, source, text string }
	at := map[key]int{}
	for i := range all {
		t := &all[i]
		if t.Error == "" {
			continue
		}
		k := key{t.Topology, t.Source, t.Error}
		n, known := at[k]
		if !known {
			n = len(out)
			at[k] = n
			out = append(out, Failing{Topology: t.Topology, Source: t.Source, Error: t.Error, Example: t.Record})
		}
		out[n].Records++
	}
	return out
}
