package helper

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:embed tools/*.sh
var toolTexts embed.FS

// Tools of the host that take paths. The VM's versions map the paths in their arguments.
var (
	readers = []string{"base64", "cat", "cmp", "curl", "diff", "du", "file", "find", "grep", "gunzip", "gzip", "head",
		"ls", "md5sum", "openssl", "readlink", "realpath", "sha256sum", "stat", "tail", "unzip", "wc", "wget"}
	// writers refuse to change the system's directories without sudo, wherever such a path stands in their arguments.
	writers = []string{"chmod", "mkdir", "rm", "rmdir", "tar", "tee", "touch"}
	// placers refuse when their last argument is such a path.
	placers = []string{"cp", "install", "ln", "mv"}
	shells  = []string{"bash", "dash", "sh"}
)

// Names that each have a script of their own, or share one.
var ownTools = map[string][]string{
	"apt.sh":                    {"apt", "apt-get"},
	"chown.sh":                  {"chgrp", "chown"},
	"df.sh":                     {"df"},
	"hostname.sh":               {"hostname"},
	"id.sh":                     {"id", "logname", "whoami"},
	"nosystemd.sh":              {"journalctl", "loginctl", "service", "systemctl", "systemd-run", "timedatectl"},
	"sudo.sh":                   {"sudo"},
	"uname.sh":                  {"uname"},
	"update-ca-certificates.sh": {"update-ca-certificates"},
	// Tools that act on the whole machine, which here would be the host.
	"refuse.sh": {"dpkg", "groupadd", "halt", "ifconfig", "init", "ip", "iptables", "killall", "mount", "nft", "passwd",
		"pkill", "poweroff", "reboot", "shutdown", "snap", "su", "swapoff", "sysctl", "umount", "useradd", "userdel", "usermod"},
}

// writeTools fills the VM's bin folder. It comes first in PATH.
func (m *machine) writeTools() error {
	bin := filepath.Join(m.paths.VM, "bin")
	if err := os.WriteFile(filepath.Join(bin, ".paths.sed"), []byte(m.paths.sedScript()), 0o644); err != nil {
		return err
	}
	for script, names := range ownTools {
		if m.Node && script == "nosystemd.sh" {
			script = "systemd.sh"
		}
		for _, name := range names {
			if err := m.writeTool(script, name, "", ""); err != nil {
				return err
			}
		}
	}
	if m.Node { // its containers come back by themselves, as the services do
		if err := m.writeTool("systemd.sh", "crictl", "", ""); err != nil {
			return err
		}
	}
	groups := []struct {
		script, guard string
		names         []string
	}{
		{"mapped.sh", "none", readers}, {"mapped.sh", "any", writers}, {"mapped.sh", "last", placers}, {"shell.sh", "", shells},
	}
	for _, g := range groups {
		for _, name := range g.names {
			real := hostTool(name)
			if real == "" {
				continue
			}
			if err := m.writeTool(g.script, name, real, g.guard); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *machine) writeTool(script, name, real, guard string) error {
	text, err := toolTexts.ReadFile("tools/" + script)
	if err != nil {
		return err
	}
	password := "no"
	if m.Existing {
		password = "yes"
	}
	filled := strings.NewReplacer(
		"@VM@", quote(m.paths.VM), "@NAME@", quote(name), "@REAL@", quote(real), "@GUARD@", guard,
		"@HOSTNAME@", quote(m.hostname()), "@PASSWORD@", password,
		"@PATTERNS@", patterns(systemDirs), "@OWN@", patterns(m.paths.ownDirs()),
		"@PUBLIC@", publicCAFile, "@BUNDLE@", bundleFile, "@LOCAL@", localCADir,
	).Replace(string(text))
	return os.WriteFile(filepath.Join(m.paths.VM, "bin", name), []byte(filled), 0o755)
}

// hostTool finds a program in the two directories of the host that a VM shares.
func hostTool(name string) string {
	for _, dir := range []string{"/usr/bin", "/bin"} {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}

// patterns are the dirs and what is below them, for the shell's case.
func patterns(dirs []string) string {
	var parts []string
	for _, dir := range dirs {
		parts = append(parts, fmt.Sprintf("%s|%s/*", dir, dir))
	}
	return strings.Join(parts, "|")
}

// quote makes one word of s for a POSIX shell.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
