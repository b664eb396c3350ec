// Package httpapi serves running modules over HTTP and JSON, whoever wrote them: appends,
// selects along paths as text, watches as server-sent events, progress, options, parked
// records. Its handler goes into any server:
//
//	api, err := httpapi.New(httpapi.Config{Client: c})
//	http.Handle("/v1/", api)
//
// 'coppice serve' is such a server. The table of operations (operations.go) is what is
// served and what the OpenAPI document says (/v1/openapi.json, docs/reference/http.md).
//
// Errors are problem details (RFC 9457) with a code for programs, what is wrong, where, and
// what to do. They say of an append whether the record is in the depot.
//
// Reading order: handler.go, operations.go, problem.go, openapi.go.
package httpapi
