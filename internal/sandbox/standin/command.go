package standin

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// command is one of the commands of the program.
type command struct {
	name, short, long string
	flags             *pflag.FlagSet
	run               func(args []string) error
}

const rootText = "AKS Engine deploys and manages Kubernetes clusters in Azure Stack Hub"

func (p *process) commands() []*command {
	return []*command{p.addPoolCommand(), p.deployCommand(), p.generateCommand(), p.getLogsCommand(), p.getVersionsCommand(), p.helpCommand(), p.rotateCommand(), p.scaleCommand(),
		p.upgradeCommand(), p.versionCommand()}
}

func newFlags(name string) *pflag.FlagSet {
	f := pflag.NewFlagSet(name, pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	return f
}

// dispatch runs the command that args name, and prints its error as the real program does.
func (p *process) dispatch(args []string) error {
	commands := p.commands()
	at := slices.IndexFunc(args, func(a string) bool { return a != "--debug" && a != "--debug=true" })
	if at < 0 || strings.HasPrefix(args[at], "-") {
		return p.root(commands, args)
	}
	for _, c := range commands {
		if c.name == args[at] {
			return p.execute(c, slices.Delete(slices.Clone(args), at, at+1))
		}
	}
	err := fmt.Errorf("unknown command %q for %q%s", args[at], program, suggest(args[at], commands))
	fmt.Fprintf(p.stderr, "Error: %v\nRun '%s --help' for usage.\n", err, program)
	return err
}

func (p *process) execute(c *command, args []string) error {
	help := c.flags.BoolP("help", "h", false, "help for "+c.name)
	c.flags.BoolVar(&p.log.debug, "debug", false, "enable verbose debug logs")
	err := c.flags.Parse(args)
	if err == nil && *help {
		fmt.Fprintf(p.stdout, "%s\n\n%s", c.long, usage(c))
		return nil
	}
	if err == nil {
		err = c.run(c.flags.Args())
	}
	switch {
	case errors.As(err, new(plainError)):
		fmt.Fprintf(p.stderr, "Error: %v\n", err)
	case err != nil && !errors.As(err, new(*crashError)):
		fmt.Fprintf(p.stderr, "Error: %v\n%s\n", err, usage(c))
	}
	return err
}

// root is the program without a command.
func (p *process) root(commands []*command, args []string) error {
	f := newFlags(program)
	help := f.BoolP("help", "h", false, "help for "+program)
	dump := f.Bool("show-default-model", false, "Dump the default API model to stdout")
	f.BoolVar(&p.log.debug, "debug", false, "enable verbose debug logs")
	switch err := f.Parse(args); {
	case err != nil:
		fmt.Fprintf(p.stderr, "Error: %v\n%s\n", err, rootUsage(commands, f))
		return err
	case *help:
		fmt.Fprintf(p.stdout, "%s\n\n%s", rootText, rootUsage(commands, f))
	case *dump:
		return writeDefaultModel(p.stdout)
	default:
		fmt.Fprint(p.stderr, rootUsage(commands, f))
	}
	return nil
}

func (p *process) helpCommand() *command {
	c := &command{name: "help", short: "Help about any command", long: "Help provides help for any command in the application.", flags: newFlags("help")}
	c.run = func(args []string) error {
		commands := p.commands()
		if len(args) == 0 {
			return p.root(commands, []string{"--help"})
		}
		for _, other := range commands {
			if other.name == args[0] {
				return p.execute(other, []string{"--help"})
			}
		}
		f := newFlags(program)
		f.Bool("debug", false, "enable verbose debug logs")
		f.Bool("show-default-model", false, "Dump the default API model to stdout")
		fmt.Fprintf(p.stderr, "Unknown help topic [`%s`]\n%s", strings.Join(args, "` `"), rootUsage(commands, f))
		return nil
	}
	return c
}

func usage(c *command) string {
	local := newFlags(c.name)
	c.flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "debug" {
			local.AddFlag(f)
		}
	})
	global := newFlags(c.name)
	global.Bool("debug", false, "enable verbose debug logs")
	return fmt.Sprintf("Usage:\n  %s %s [flags]\n\nFlags:\n%s\n\nGlobal Flags:\n%s\n",
		program, c.name, trimmed(local), trimmed(global))
}

func rootUsage(commands []*command, f *pflag.FlagSet) string {
	var list strings.Builder
	for _, c := range commands {
		fmt.Fprintf(&list, "  %-13s %s\n", c.name, c.short)
	}
	return fmt.Sprintf("Usage:\n  %[1]s [flags]\n  %[1]s [command]\n\nAvailable Commands:\n%[2]s\nFlags:\n%[3]s\n\nUse \"%[1]s [command] --help\" for more information about a command.\n",
		program, list.String(), trimmed(f))
}

func trimmed(f *pflag.FlagSet) string { return strings.TrimRight(f.FlagUsages(), " \n") }

// suggest names the commands that a mistyped one may have meant.
func suggest(typed string, commands []*command) string {
	var near []string
	for _, c := range commands {
		if strings.HasPrefix(strings.ToLower(c.name), strings.ToLower(typed)) || distance(strings.ToLower(typed), c.name) <= 2 {
			near = append(near, "\t"+c.name+"\n")
		}
	}
	if len(near) == 0 {
		return ""
	}
	return "\n\nDid you mean this?\n" + strings.Join(near, "")
}

// distance is the number of edits between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = min(diagonal, row[j], row[j-1]) + 1
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}
