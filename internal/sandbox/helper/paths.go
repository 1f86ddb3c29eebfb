package helper

import (
	"path"
	"regexp"
	"strings"
)

// systemDirs are the parts of a VM's file system that are its own. The rest, above all /usr/bin and /bin with the tools
// that commands need, is the host's.
var systemDirs = []string{"/usr/local", "/usr/share/ca-certificates", "/etc", "/opt", "/root", "/srv", "/var/lib/waagent", "/var/lib/cloud", "/var/lib/kubelet", "/var/log"}

// Paths maps paths on a VM to paths on the host.
type Paths struct {
	// VM is the VM's folder, absolute.
	VM string
	// User is the user whose /home is in the folder; when empty, every user's is.
	User string
}

// Root is the folder that holds the VM's system directories.
func (p Paths) Root() string { return p.VM + "/rootfs" }

// ownDirs are the directories that lie directly in the VM's folder.
func (p Paths) ownDirs() []string {
	if p.User == "" {
		return []string{"/home", "/tmp"}
	}
	return []string{"/home/" + p.User, "/tmp"}
}

// Map gives the host's path of an absolute path on the VM. Paths of the VM's folder and paths that the VM shares with the
// host stay as they are.
func (p Paths) Map(name string) string {
	name = path.Clean(name)
	if within(name, p.VM) {
		return name
	}
	for _, dir := range p.ownDirs() {
		if within(name, dir) {
			return p.VM + name
		}
	}
	for _, dir := range systemDirs {
		if within(name, dir) {
			return p.Root() + name
		}
	}
	return name
}

func within(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, dir+"/")
}

// A path in a command starts after a blank, an operator or an equals sign, and any quotes. A path after anything else is
// part of something longer: "$prefix"/usr/local, https://host/etc, ./opt.
const (
	pathStart = "(^|[[:space:];&|(<>=,:`{!])(['\"\\]*)"
	pathEnd   = `([^A-Za-z0-9_.-]|$)`
)

// mark stands for the VM's folder while a text is being mapped, so that nothing is mapped twice.
const mark = "\x01"

// rules are the substitutions that map a text, in order: a pattern in POSIX extended syntax and its replacement.
// The VM's sh uses them too, through sed.
func (p Paths) rules() []rule {
	oneOf := func(dirs []string) string {
		var parts []string
		for _, dir := range dirs {
			parts = append(parts, regexp.QuoteMeta(dir))
		}
		return pathStart + "(" + strings.Join(parts, "|") + ")" + pathEnd
	}
	own := rule{oneOf(p.ownDirs()), []string{"1", "2", mark, "3", "4"}}
	system := rule{oneOf(systemDirs), []string{"1", "2", mark + "/rootfs", "3", "4"}}
	return []rule{
		{regexp.QuoteMeta(p.VM), []string{mark}},
		own, own, // twice: the end of one match may be the start of the next
		system, system,
		{mark, []string{p.VM}},
	}
}

// rule is a substitution. In with, "1" to "4" stand for what the pattern's groups matched.
type rule struct {
	pattern string
	with    []string
}

// MapText maps the paths in the text of a command.
func (p Paths) MapText(text string) string {
	for _, r := range p.rules() {
		// In Go a backslash in brackets is an escape; in POSIX syntax it is not.
		pattern := strings.ReplaceAll(r.pattern, `['"\]`, `['"\\]`)
		var with strings.Builder
		for _, part := range r.with {
			if isGroup(part) {
				with.WriteString("${" + part + "}")
			} else {
				with.WriteString(strings.ReplaceAll(part, "$", "$$"))
			}
		}
		text = regexp.MustCompile("(?m)"+pattern).ReplaceAllString(text, with.String())
	}
	return text
}

// sedScript is MapText as a script for sed -E.
func (p Paths) sedScript() string {
	var b strings.Builder
	for _, r := range p.rules() {
		b.WriteString("s#" + strings.ReplaceAll(r.pattern, "#", `\#`) + "#")
		for _, part := range r.with {
			if isGroup(part) {
				b.WriteString(`\` + part)
			} else {
				b.WriteString(regexp.MustCompile(`[\\&#]`).ReplaceAllString(part, `\$0`))
			}
		}
		b.WriteString("#g\n")
	}
	return b.String()
}

func isGroup(part string) bool {
	return len(part) == 1 && part[0] >= '1' && part[0] <= '4'
}
