package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"

	"hubwright/workflows"
)

// printWorkflows prints the catalogue. It needs no server: the declarations
// are values.
func printWorkflows(_ context.Context, c console, args []string) error {
	fs := flag.NewFlagSet("hubwright workflows", flag.ContinueOnError)
	fs.SetOutput(c.stderr)
	output := fs.String("output", "text", "text or json")
	if err := parseFlags(fs, args, c.getenv); err != nil {
		return err
	}
	var infos []workflows.Info
	for _, d := range catalogue(adapters{}) {
		infos = append(infos, d.Info())
	}
	switch *output {
	case "json":
		enc := json.NewEncoder(c.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(infos)
	case "text":
		for _, i := range infos {
			printInfo(c, i)
		}
		return nil
	}
	return fmt.Errorf("--output %q: it is text or json", *output)
}

func printInfo(c console, i workflows.Info) {
	fmt.Fprintf(c.stdout, "%s  %s\n    %s\n", i.ID, i.Title, i.Why)
	for _, p := range i.Pages {
		fmt.Fprintf(c.stdout, "  page   %-22s %s\n", p.ID, p.Title)
	}
	for _, k := range i.Checks {
		fmt.Fprintf(c.stdout, "  check  %-22s %s\n", k.ID, k.Title)
	}
	for _, s := range i.Steps {
		fmt.Fprintf(c.stdout, "  step   %-22s %s\n", s.ID, s.Title)
	}
	fmt.Fprintln(c.stdout)
}
