package arm

import (
	"crypto/rand"
	"fmt"
	"net/http"
)

// armError is ARM's error. A Code of "" is success.
type armError struct {
	Code    string     `json:"code"`
	Message string     `json:"message"`
	Target  string     `json:"target,omitempty"`
	Details []armError `json:"details,omitempty"`
	status  int
}

func (e armError) Error() string { return e.Code + ": " + e.Message }

func (e armError) failed() bool { return e.Code != "" }

// at names the property that is wrong.
func (e armError) at(target string) armError {
	e.Target = target
	return e
}

func fail(status int, code, format string, args ...any) armError {
	return armError{Code: code, Message: fmt.Sprintf(format, args...), status: status}
}

func bad(code, format string, args ...any) armError {
	return fail(http.StatusBadRequest, code, format, args...)
}

func conflict(code, format string, args ...any) armError {
	return fail(http.StatusConflict, code, format, args...)
}

func notFound(code, format string, args ...any) armError {
	return fail(http.StatusNotFound, code, format, args...)
}

func noGroup(name string) armError {
	return notFound("ResourceGroupNotFound", "Resource group '%s' could not be found.", name)
}

func noResource(a address) armError {
	return notFound("ResourceNotFound", "The Resource '%s/%s' under resource group '%s' was not found.", a.kind, a.name, a.group)
}

func noPath(path string) armError {
	return notFound("NotFound", "The path '%s' was not found.", path)
}

func notAllowed(method, where string) armError {
	return fail(http.StatusMethodNotAllowed, "HttpMethodNotSupported", "The HTTP method '%s' is not supported at scope '%s'.", method, where)
}

func goingDown() armError {
	return fail(http.StatusInternalServerError, "InternalServerError", "The Hub is going down.")
}

func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
