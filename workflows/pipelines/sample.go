package pipelines

import (
	"context"
	"strings"
	"text/template"

	w "hubwright/workflows"
)

// samplePipeline uses the tasks of 2026: HelmInstaller@1 and HelmDeploy@1,
// whose inputs are not those of the guide's HelmDeploy@0.
var samplePipeline = template.Must(template.New("azure-pipelines.yml").Delims("<<", ">>").Parse(`# Deploys a Helm chart from this repository to <<.Site>>.
# The service connection and the pool were set up by Hubwright.
trigger:
  branches:
    include: [main]

pool:
<<- if .Hosted>>
  vmImage: ubuntu-24.04
<<- else>>
  name: <<.Pool>>
<<- end>>

steps:
  - task: HelmInstaller@1
    displayName: Helm
    inputs:
      helmVersionToInstall: 3.22.0

  - task: HelmDeploy@1
    displayName: Deploy to <<.Site>>
    inputs:
      connectionType: Kubernetes Service Connection
      kubernetesServiceConnection: <<.Name>>
      namespace: <<.Namespace>>
      command: upgrade
      chartType: FilePath
      chartPath: chart
      releaseName: app
      install: true
      waitForExecution: true
`))

// sample writes a pipeline for what was set up.
func (f flow) sample(ctx context.Context, s *State, log w.Log) error {
	if s.Found.Sample != "" {
		return nil
	}
	namespace := s.Namespace
	if namespace == "" {
		namespace = "default"
	}
	var text strings.Builder
	err := samplePipeline.Execute(&text, map[string]any{
		"Site": scalar(s.SiteName), "Hosted": s.Where == WhereHosted, "Pool": scalar(s.Pool), "Name": scalar(s.Name), "Namespace": namespace,
	})
	if err != nil {
		return err
	}
	if s.Found.Sample, err = f.Vault.Seal(ctx, "pipelines.sample", []byte(text.String())); err != nil {
		return err
	}
	log.Good("A sample azure-pipelines.yml can be downloaded from the result")
	return nil
}

// scalar keeps a name on one line of YAML. Names with other characters than
// these are refused on the pages; a Site's may have any.
func scalar(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`#:"'{}[]&*!|>%@`+"`", r) {
			return ' '
		}
		return r
	}, name)
}
