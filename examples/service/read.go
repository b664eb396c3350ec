package service

import (
	"io"
	"net/http"
)

// readAll is the body of a request, within its bound.
func readAll(w http.ResponseWriter, r *http.Request) (string, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, sentenceBytesMax))
	return string(raw), err
}
