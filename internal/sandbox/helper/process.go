package helper

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// vmVariable marks the processes of a VM: it is in their environment and has the VM's folder as value.
const vmVariable = "SANDBOX_VM"

// fullVariable tells the VM's df that the disk is full.
const fullVariable = "SANDBOX_DISK_FULL"

// killAll kills every process that was started on the VM, detached ones too, and waits until they are gone.
func killAll(vm string) {
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		pids := processesOf(vm)
		if len(pids) == 0 {
			return
		}
		for _, pid := range pids {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// processesOf finds the living processes of a VM by their environment.
func processesOf(vm string) []int {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	wanted := []byte(vmVariable + "=" + vm + "\x00")
	var pids []int
	for _, file := range files {
		env, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(env, wanted) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
