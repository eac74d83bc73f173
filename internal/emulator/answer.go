package emulator

import (
	"bytes"
	"net/http"
)

// answer is the http.ResponseWriter that holds what a handler answers.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 { // informational ones are not held
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

func (a *answer) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

// kept gives what the journal holds of the body.
func (a *answer) kept() []byte {
	return bytes.Clone(a.body.Bytes()[:min(a.body.Len(), maxBody)])
}
