package console

import (
	"errors"
	"net/http"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/httpapi"
	"github.com/coppice-run/coppice/overview"
)

// Config says what is shown, and to whom.
type Config struct {
	// Client speaks to the modules. Required; the handler does not close it.
	Client *client.Client
	// Authorize, if set, is asked before each request is served, for the operation of the HTTP
	// API that says the same; an error refuses it, with its text. Default: everything is
	// allowed, so that the handler belongs behind something that knows who asks.
	Authorize func(*http.Request, httpapi.Access) error
	// Who names who asks, for the audit log. Default: the address that the request came from.
	Who func(*http.Request) string
	// Overview, if set, is what the state of modules is asked from. Default: one of the
	// handler's. A program that has Overview.Watch run shows courses from the first look on.
	Overview *overview.Overview
	// Timeout bounds how long a page or a change takes. Default 30 s.
	Timeout time.Duration
}

// Handler serves the console, and the HTTP API under /v1/.
type Handler struct {
	config  Config
	cluster cluster
	look    *overview.Overview
	mux     *http.ServeMux
	origin  *http.CrossOriginProtection
	pages   *pages
}

// New makes the handler.
func New(config Config) (*Handler, error) {
	if config.Client == nil {
		return nil, errors.New("console: Config.Client is required")
	}
	if config.Overview == nil {
		config.Overview = overview.New(overview.Config{Cluster: config.Client})
	}
	api, err := httpapi.New(httpapi.Config{Client: config.Client, Authorize: config.Authorize, Who: config.Who, Overview: config.Overview, Timeout: config.Timeout})
	if err != nil {
		return nil, err
	}
	return newHandler(config, config.Client, api)
}

// newHandler makes a handler on anything that answers as a client does.
func newHandler(config Config, c cluster, api http.Handler) (*Handler, error) {
	if config.Timeout == 0 {
		config.Timeout = 30 * time.Second
	}
	if config.Who == nil {
		config.Who = httpapi.RemoteHost
	}
	parsed, err := parsePages()
	if err != nil {
		return nil, err
	}
	h := &Handler{config: config, cluster: c, look: config.Overview, mux: http.NewServeMux(), origin: http.NewCrossOriginProtection(), pages: parsed}
	h.mux.Handle("/v1/", api)
	h.mux.HandleFunc("GET /assets/{file}", serveAsset)
	h.mux.HandleFunc("POST /theme", h.setTheme)
	for _, r := range routes {
		h.mux.HandleFunc(r.method+" "+r.pattern, func(w http.ResponseWriter, q *http.Request) { h.serve(w, q, &r) })
	}
	nowhere := route{operation: "listModules", serve: func(q *request) error { return errNowhere }}
	h.mux.HandleFunc("/", func(w http.ResponseWriter, q *http.Request) { h.serve(w, q, &nowhere) })
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// route is a page, or a change that a page asks for.
type route struct {
	method    string
	pattern   string
	operation string // of the HTTP API, that says or does the same
	changes   bool
	serve     func(*request) error
}

// routes are all pages and changes.
var routes []route

func init() {
	get := func(pattern, operation string, serve func(*request) error) {
		routes = append(routes, route{http.MethodGet, pattern, operation, false, serve})
	}
	post := func(pattern, operation string, serve func(*request) error) {
		routes = append(routes, route{http.MethodPost, pattern, operation, true, serve})
	}
	get("/{$}", "listOverviews", showModules)
	get("/m/{module}", "tellOverview", showModule)
	get("/m/{module}/plan", "tellPlan", showPlan)
	get("/m/{module}/plan.svg", "tellPlan", drawPlan)
	get("/m/{module}/topologies", "tellOverview", showTopologies)
	get("/m/{module}/topologies/{topology}", "tellOverview", showTopology)
	post("/m/{module}/topologies/{topology}/pause", "pauseTopology", pauseTopology)
	post("/m/{module}/topologies/{topology}/resume", "resumeTopology", resumeTopology)
	get("/m/{module}/trees", "listTrees", showTrees)
	get("/m/{module}/trees/{depot}/{partition}/{offset}", "tellTrees", showTree)
	get("/m/{module}/parked", "listParked", showParked)
	get("/m/{module}/parked/one", "listParked", showParkedRecord)
	post("/m/{module}/parked/retry", "retryParked", retryParked)
	post("/m/{module}/parked/skip", "skipParked", skipParked)
	post("/m/{module}/parked/edit", "editParked", editParked)
	get("/m/{module}/pstates", "describeModule", showPStates)
	get("/m/{module}/pstates/{pstate}", "select", showPState)
	get("/m/{module}/depots", "describeModule", showDepots)
	get("/m/{module}/depots/{depot}", "readDepot", showDepot)
	post("/m/{module}/depots/{depot}", "appendRecord", appendRecord)
	get("/m/{module}/tasks", "tellOverview", showTasks)
	get("/m/{module}/tasks/{task}", "tellOverview", showTask)
	get("/m/{module}/options", "listOptions", showOptions)
	post("/m/{module}/options", "setOption", setOption)
	post("/m/{module}/options/unset", "unsetOption", unsetOption)
	get("/m/{module}/audit", "listAudit", showAudit)
}
