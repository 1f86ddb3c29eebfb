package arm

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
)

// armError is ARM's error.
type armError struct {
	Code    string     `json:"code"`
	Message string     `json:"message"`
	Target  string     `json:"target,omitempty"`
	Details []armError `json:"details,omitempty"`
	status  int
}

func (e armError) Error() string { return e.Code + ": " + e.Message }

func fail(status int, code, format string, args ...any) armError {
	return armError{Code: code, Message: fmt.Sprintf(format, args...), status: status}
}

func noGroup(name string) armError {
	return fail(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", name)
}

func noResource(kind, name, group string) armError {
	return fail(http.StatusNotFound, "ResourceNotFound", "The Resource '%s/%s' under resource group '%s' was not found.", kind, name, group)
}

func writeError(w http.ResponseWriter, e armError) {
	w.Header().Set("x-ms-error-code", e.Code)
	writeJSON(w, e.status, object{"error": e})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
