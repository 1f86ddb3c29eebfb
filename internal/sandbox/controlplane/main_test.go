package controlplane_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"hubwright/internal/sandbox/controlplane"
)

// Some tests need a process of their own, to kill it or to take its network away. It is this same test binary, told by
// the environment what to be.
const childVariable = "CONTROLPLANE_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childVariable) {
	case "":
		os.Exit(m.Run())
	case "manager":
		childEnd(managerChild())
	case "loopback":
		childEnd(loopbackChild())
	}
}

func childEnd(err error) {
	if err != nil {
		fmt.Println("FAILED", strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
	fmt.Println("DONE")
}

// childOrder is what a child gets on its standard input.
type childOrder struct {
	Dir, Binary string
	Spec        controlplane.Spec
	PKI         controlplane.PKI
	Nodes       []controlplane.Node
	Isolated    bool // it has a network namespace of its own
}

func readOrder() (childOrder, error) {
	var order childOrder
	err := json.NewDecoder(os.Stdin).Decode(&order)
	order.Spec.PKI = order.PKI
	return order, err
}

func (o childOrder) manager() (*controlplane.Manager, error) {
	return controlplane.New(controlplane.Options{
		Dir: o.Dir, Binary: func(context.Context) (string, error) { return o.Binary, nil }, Speed: 100,
		Log: func(line string) { fmt.Println("log:", line) },
	})
}

// child is a started child and the lines that it prints.
type child struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	last  string
}

func startChild(t *testing.T, what string, order childOrder, attr *syscall.SysProcAttr) (*child, error) {
	t.Helper()
	var err error
	if order.Binary, err = built(); err != nil {
		t.Fatal(err)
	}
	order.PKI = order.Spec.PKI
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+what)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = attr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe() // stays open: its end tells the child that this test is gone
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := in.Write(mustJSON(order)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &child{cmd: cmd, lines: bufio.NewScanner(out)}, nil
}

// until reads the child's lines up to the one that is word and returns whether it came. last is then the last line.
func (c *child) until(t *testing.T, word string) bool {
	t.Helper()
	for c.lines.Scan() {
		c.last = c.lines.Text()
		t.Log(c.last)
		if c.last == word {
			return true
		}
	}
	return false
}
