// Package console shows running modules to people: what they consist of, how far and how fast
// they are, what stands still and what it waits for; and lets them act: retry, edit or skip
// what was parked, set options, pause and resume. Its handler goes into any server:
//
//	h, err := console.New(console.Config{Client: c})
//	http.Handle("/", h)
//
// 'coppice console' is such a server. Pages are made on the server and work without a script;
// with it they are kept current. They load nothing from other hosts. What they show is also
// JSON: the handler serves package httpapi under /v1/, and each page names its operation.
//
// Whoever reaches the handler may do everything unless Config.Authorize says otherwise. What
// is changed through it stands in the module's audit log.
//
// Reading order: console.go, request.go, page.go, one file for each page, draw.go.
package console
