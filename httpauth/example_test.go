package httpauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/coppice-run/coppice/httpauth"
	"github.com/coppice-run/coppice/secret"
)

// A guard goes before any handler: who may only read is told so where something would change.
func Example() {
	guard, err := httpauth.New(httpauth.Config{Tokens: []httpauth.Token{
		{Role: httpauth.Reader, Name: "dashboard", Token: secret.New("0123456789abcdef")},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := httpauth.Allow(r.Context(), r.Method == http.MethodPost); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		fmt.Fprintln(w, "welcome,", httpauth.From(r.Context()).Name)
	})))
	defer server.Close()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		for _, token := range []string{"", "0123456789abcdef"} {
			r, _ := http.NewRequest(method, server.URL, nil)
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				fmt.Println(err)
				return
			}
			answer.Body.Close()
			fmt.Println(method, token != "", answer.StatusCode)
		}
	}
	// Output:
	// GET false 401
	// GET true 200
	// POST false 401
	// POST true 403
}
