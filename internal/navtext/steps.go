package navtext

import (
	"slices"
	"strings"
)

// kindOfStep is what a step takes, and where it leads to.
type kindOfStep struct {
	args string // for errors and the guide
	min  int
	max  int
	doc  string
	// conditional: it takes a condition; ways is how many paths it takes at most.
	conditional bool
	ways        int
	// single: it leads to one place from each that it comes to.
	single bool
	// compile makes a step at a place of the schema.
	compile func(c *compiler, s *step, at state) (run, state, error)
}

// steps are all steps by name. Filled by init: their functions compile steps themselves.
var steps map[string]kindOfStep

func init() {
	steps = map[string]kindOfStep{
		"it":             {doc: "what the path has come to", single: true, compile: (*compiler).it},
		"key":            {args: "k", min: 1, max: 1, doc: "the value or structure under a key; null or empty if there is none", single: true, compile: (*compiler).key},
		"must":           {args: "k", min: 1, max: 1, doc: "the same, or nowhere if there is none", compile: (*compiler).key},
		"elem":           {args: "e", min: 1, max: 1, doc: "an element of a set, if it is there", compile: (*compiler).elem},
		"field":          {args: "name", min: 1, max: 1, doc: "one of fixed keys, or a field of an object", single: true, compile: (*compiler).field},
		"nth":            {args: "i", min: 1, max: 1, doc: "the element of a list at an index, from 0, or nowhere", compile: (*compiler).nth},
		"first":          {doc: "the first element of a list or sorted set, or nowhere", compile: (*compiler).end},
		"last":           {doc: "the last one, or nowhere", compile: (*compiler).end},
		"all":            {doc: "every element of a list or sorted set; of a map every entry", compile: (*compiler).all},
		"vals":           {doc: "every value or structure of a map", compile: (*compiler).all},
		"keys":           {doc: "every key of a map", compile: (*compiler).all},
		"entries":        {doc: "every entry of a map, as {\"key\":…,\"value\":…}", compile: (*compiler).all},
		"range":          {args: "low, high", min: 2, max: 2, doc: "the part from low, before high", single: true, compile: (*compiler).part},
		"rangeFrom":      {args: "low[, n]", min: 1, max: 2, doc: "from low, the first n of it", single: true, compile: (*compiler).part},
		"rangeTo":        {args: "high[, n]", min: 1, max: 2, doc: "before high, the last n of it", single: true, compile: (*compiler).part},
		"rangeFromStart": {args: "n", min: 1, max: 1, doc: "the first n", single: true, compile: (*compiler).part},
		"rangeToEnd":     {args: "n", min: 1, max: 1, doc: "the last n, in order", single: true, compile: (*compiler).part},
		"filter":         {args: "condition", conditional: true, doc: "the same, if it passes", compile: (*compiler).filter},
		"filterNot":      {args: "condition", conditional: true, doc: "the same, if it does not", compile: (*compiler).filter},
		"multi":          {args: "path, …", ways: pathsMax, doc: "what each of some paths leads to", compile: (*compiler).multi},
		"if":             {args: "condition, path[, path]", conditional: true, ways: 2, doc: "what the first path leads to where the condition holds, else the second; without it nowhere", compile: (*compiler).choose},
		"subselect":      {args: "path", ways: 1, doc: "all that a path leads to, as one array", single: true, compile: (*compiler).subselect},
		"collect":        {args: "path", ways: 1, doc: "the same, together with all that a path leads to from it, as {\"collected\":[…],\"value\":…}", single: true, compile: (*compiler).subselect},
		"nullToVal":      {args: "v", min: 1, max: 1, doc: "a value in the place of null", single: true, compile: (*compiler).nullToVal},
		"submap":         {args: "k, …", min: 1, max: namesMax, doc: "those of some keys of a map that there are, with what is under them, as one value", single: true, compile: (*compiler).submap},
		"subset":         {args: "e, …", min: 1, max: namesMax, doc: "those of some elements that a set has, as one array", single: true, compile: (*compiler).subset},
		"sublist":        {args: "low, high", min: 2, max: 2, doc: "the elements of a list from one index on, before another, as one array", single: true, compile: (*compiler).sublist},
		"len":            {doc: "how many elements a structure, array, object or text has", single: true, compile: (*compiler).length},
		"count":          {doc: "at the end: how many the path leads to"},
		"limit":          {args: "n", min: 1, max: 1, doc: "at the end: at most n"},
		"page":           {args: "n", min: 1, max: 1, doc: "at the end: pages of at most n, up to 1,000"},
	}
}

// Limits of a step.
const (
	pathsMax = 32   // paths in one
	namesMax = 100  // keys or elements that one names
	waysMax  = 1000 // ways from one place to the end of a path
)

// synonyms are the names that Rama and package nav have.
var synonyms = map[string]string{"mapVals": "vals", "mapKeys": "keys", "mapEntries": "entries", "multiPath": "multi", "ifPath": "if", "subMap": "submap", "setElem": "elem"}

// stepNames lists the steps.
func stepNames() string {
	names := make([]string, 0, len(steps))
	for name := range steps {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// StepDoc describes a step.
type StepDoc struct{ Name, Doc string }

// Steps describes all steps, for a reader.
func Steps() (all []StepDoc) {
	for _, name := range []string{
		"it", "key", "must", "elem", "field", "nth", "first", "last", "all", "vals", "keys", "entries",
		"range", "rangeFrom", "rangeTo", "rangeFromStart", "rangeToEnd", "filter", "filterNot",
		"multi", "if", "subselect", "collect", "nullToVal", "submap", "subset", "sublist", "len", "count", "limit", "page",
	} {
		s := steps[name]
		if s.args != "" {
			name += "(" + s.args + ")"
		}
		all = append(all, StepDoc{name, s.doc})
	}
	return all
}

// Reference describes the steps, in Markdown.
func Reference() string {
	var out strings.Builder
	out.WriteString("| step | leads to |\n|---|---|\n")
	for _, s := range Steps() {
		out.WriteString("| `" + s.Name + "` | " + s.Doc + " |\n")
	}
	return out.String()
}
