package controlplane

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEgress asks the proxy for connections as kube-apiserver does; kwok is an echo.
func TestEgress(t *testing.T) {
	kwok, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer kwok.Close()
	go func() {
		for {
			conn, err := kwok.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			}()
		}
	}()
	for _, dir := range []string{t.TempDir(), t.TempDir() + "/" + strings.Repeat("long", 30)} {
		e, err := startEgress(dir, map[string]string{":" + kubeletPort: kwok.Addr().String()}, t.Logf)
		if err != nil {
			t.Fatal(err)
		}
		for request, want := range map[string]string{
			"CONNECT 10.240.0.4:10250":                  "200 echo",
			"CONNECT k8s-linuxpool-35064155-0:10250":    "200 echo",
			"CONNECT 10.0.0.1:443":                      "502",
			"CONNECT 127.0.0.1:22":                      "502",
			"CONNECT hook.default.svc:443":              "502",
			"CONNECT nothing":                           "502",
			"GET http://10.240.0.4:10250/containerLogs": "502",
		} {
			if got := askEgress(t, e.socket, request); got != want {
				t.Errorf("%s: %s, want %s", request, got, want)
			}
		}
		if dials := e.seen(); len(dials) != 7 {
			t.Errorf("%d dials were noted: %v", len(dials), dials)
		}
		e.close()
		if _, err := net.Dial("unix", e.socket); err == nil {
			t.Error("a closed proxy answers")
		}
	}
}

// askEgress sends one request and returns the status and, if that is 200, what comes back for "echo".
func askEgress(t *testing.T, socket, request string) string {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\n\r\n", request)
	in := bufio.NewReader(conn)
	response, err := http.ReadResponse(in, &http.Request{Method: http.MethodConnect})
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Sprint(response.StatusCode)
	}
	fmt.Fprint(conn, "echo")
	back := make([]byte, 4)
	if _, err := io.ReadFull(in, back); err != nil {
		t.Fatal(err)
	}
	return "200 " + string(back)
}

func TestEgressForgetsOldDials(t *testing.T) {
	e := &egress{log: t.Logf}
	for n := range 2*keptDials + 1 {
		e.note(Dial{Target: fmt.Sprint(n % 3)})
	}
	dials := e.seen()
	if len(dials) > keptDials || dials[len(dials)-1].Target != fmt.Sprint(2*keptDials%3) {
		t.Errorf("%d dials are kept, the last to %s", len(dials), dials[len(dials)-1].Target)
	}
}

func TestParseTaints(t *testing.T) {
	got, err := parseTaints([]string{"a=b:NoSchedule", "example.com/c:NoExecute"})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, taint := range got {
		texts = append(texts, taint.ToString())
	}
	if diff := cmp.Diff([]string{"a=b:NoSchedule", "example.com/c:NoExecute"}, texts); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "a", ":NoSchedule", "a=b:Never"} {
		if _, err := parseTaints([]string{bad}); err == nil {
			t.Errorf("taint %q is taken", bad)
		}
	}
}

// TestEgressOfAKilledSandbox: the socket that the next one makes is all that is left.
func TestEgressOfAKilledSandbox(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	killed, err := startEgress(dir, map[string]string{":" + kubeletPort: "127.0.0.1:9"}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	defer killed.close()
	next, err := startEgress(dir, map[string]string{":" + kubeletPort: "127.0.0.1:9"}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) != 1 {
		t.Errorf("folders: %v", left)
	}
	next.close()
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) != 0 {
		t.Errorf("folders after the end: %v", left)
	}
}
