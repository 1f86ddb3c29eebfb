package publicazure

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// failure is ARM's error. With Code "" nothing failed.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Target  string `json:"target,omitempty"`
	status  int
}

func failed(status int, code, format string, args ...any) failure {
	return failure{Code: code, Message: fmt.Sprintf(format, args...), status: status}
}

func (f failure) send(w http.ResponseWriter) {
	w.Header().Set("x-ms-failure-cause", "gateway")
	Answer(w, f.status, map[string]any{"error": f})
}

// Fail answers with ARM's error envelope.
func Fail(w http.ResponseWriter, status int, code, format string, args ...any) {
	failed(status, code, format, args...).send(w)
}

// Answer sends v as JSON; nil sends no body.
func Answer(w http.ResponseWriter, status int, v any) {
	if v == nil {
		w.WriteHeader(status)
		return
	}
	raw, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}

// maxBody is ARM's limit for a request.
const maxBody = 4 << 20

// Read decodes a request's JSON body into v. When it cannot it has answered,
// and says false.
func Read(w http.ResponseWriter, r *http.Request, v any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(v)
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return true
	case errors.As(err, &tooLarge):
		Fail(w, http.StatusRequestEntityTooLarge, "RequestContentTooLarge", "The request content size exceeds the maximum size of %d MB.", maxBody>>20)
	case errors.Is(err, io.EOF):
		Fail(w, http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid and could not be deserialized: 'the body is empty'.")
	default:
		Fail(w, http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid and could not be deserialized: '%v'.", err)
	}
	return false
}

func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
