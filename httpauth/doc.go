// Package httpauth guards what is served over HTTP: it knows who asks, by a bearer token or
// by a certificate (mTLS), says what that one may do, and bounds how much and how fast may
// be asked.
//
//	guard, err := httpauth.New(httpauth.Config{Tokens: tokens})
//	api, err := httpapi.New(httpapi.Config{Client: c, Authorize: func(r *http.Request, a httpapi.Access) error {
//		return httpauth.Allow(r.Context(), a.Changes)
//	}})
//	server := guard.Server(api, nil)
//
// Refusals are problem details (RFC 9457), as those of httpapi, with the codes
// unauthorized (401), forbidden (403), body_too_large (413), wrong_host (421) and too_many_requests (429).
// Slow requests are ended by the server's times.
package httpauth
