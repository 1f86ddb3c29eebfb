package standin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
)

func (p *process) generateCommand() *command {
	c := &command{name: "generate", short: "Generate an Azure Resource Manager template",
		long: "Generates an Azure Resource Manager template, parameters file and other assets for a cluster", flags: newFlags("generate")}
	j := &job{engine: p.version()}
	j.addModelFlags(c.flags)
	c.flags.BoolVar(&j.noPretty, "no-pretty-print", false, "skip pretty printing the output")
	c.flags.BoolVar(&j.parametersOnly, "parameters-only", false, "only output parameters files")
	c.flags.StringVar(&j.clientID, "client-id", "", "client id")
	c.flags.StringVar(&j.clientSecret, "client-secret", "", "client secret")
	c.run = func(args []string) error { return p.generate(context.Background(), c, j, args) }
	return c
}

// generate writes what deploy would write. Of the Hub it asks the metadata only.
func (p *process) generate(ctx context.Context, c *command, j *job, args []string) error {
	leaveTranslations()
	if err := p.modelOf(c, &j.deployFlags, args); err != nil {
		return fmt.Errorf("validating generateCmd: %w", err)
	}
	if j.file == "" {
		fmt.Fprint(p.stderr, usage(c))
		return errors.New("validating generateCmd: --api-model was not supplied, nor was one specified as a positional argument")
	}
	if err := p.mergeModel(j); err != nil {
		return fmt.Errorf("merging API model in generateCmd: %w", err)
	}
	if err := p.loadForGenerate(j); err != nil {
		return fmt.Errorf("loading API model in generateCmd: %w", err)
	}
	if err := p.validate(j.model); err != nil {
		return fmt.Errorf("validating API model after populating values: %w", err)
	}
	p.log.info("Generating assets into %s...", j.output)
	if j.props.CustomCloudProfile != nil {
		if err := p.findCloud(ctx, j); err != nil {
			return fmt.Errorf("in SetPropertiesDefaults template %s: Failed to set environment - %w", j.file, err)
		}
	}
	fresh, err := p.fillIn(j)
	if err != nil {
		return fmt.Errorf("in SetPropertiesDefaults template %s: %w", j.file, err)
	}
	if err := j.write(fresh); err != nil {
		return fmt.Errorf("writing artifacts: %w", err)
	}
	return nil
}

func (p *process) loadForGenerate(j *job) error {
	if err := p.read(j); err != nil {
		return err
	}
	if j.output == "" {
		j.output = path.Join("_output", j.props.MasterProfile.DNSPrefix)
	}
	if err := p.refuseOldDistros(j.props); err != nil {
		return err
	}
	p.fillPrincipal(j)
	return nil
}

// leaveTranslations makes the folder of message catalogues that the real engine leaves where it is started. What is there
// stays.
func leaveTranslations() {
	const catalogue = "msgid \"\"\nmsgstr \"\"\n\"Language: en_US\\n\"\n"
	dir := filepath.Join("translations", "en_US", "LC_MESSAGES")
	if _, err := os.Stat("translations"); err == nil || os.MkdirAll(dir, 0o700) != nil {
		return
	}
	for _, name := range []string{"acsengine.mo", "acsengine.po"} {
		os.WriteFile(filepath.Join(dir, name), []byte(catalogue), 0o600)
	}
}
