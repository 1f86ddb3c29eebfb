package aksengine

import (
	"regexp"
	"strings"

	"hubwright/workflows"
)

// Names of the files in the engine's output folder.
const (
	OutputModel    = "apimodel.json"
	KubeconfigPath = "kubeconfig/kubeconfig." // followed by the location and .json
)

// Deploy is a call of the engine's deploy command.
type Deploy struct {
	Binary        string
	Model         string // path of the API model
	OutputDir     string
	Overwrite     bool // --force-overwrite
	ResourceGroup string
	Location      string
	Subscription  string
	Identity      workflows.IdentitySystem
	Method        workflows.AuthMethod
	ClientID      string
	ClientSecret  string // with AuthSecret
	Certificate   string // path, with AuthCertificate
	PrivateKey    string // path, with AuthCertificate
}

// Retry is the call that goes on with a deployment whose output folder already
// holds a model: the folder's own model is the input, so that the certificates
// stay the ones that the VMs which exist were given.
func (d Deploy) Retry() Deploy {
	d.Model = d.OutputDir + "/" + OutputModel
	d.Overwrite = true
	return d
}

// Argv is the command as a list of words, the secret last. Give it to nobody
// who shows it; Display is for that.
func (d Deploy) Argv() []string {
	argv := []string{d.Binary, "deploy", "--azure-env", "AzureStackCloud", "--api-model", d.Model, "--output-directory", d.OutputDir}
	if d.Overwrite {
		argv = append(argv, "--force-overwrite")
	}
	return d.login(argv)
}

// Generate is the call that only writes the output folder.
func (d Deploy) Generate() []string {
	argv := []string{d.Binary, "generate", "--api-model", d.Model, "--output-directory", d.OutputDir}
	if d.Method == workflows.AuthSecret {
		argv = append(argv, "--client-id", d.ClientID, "--client-secret", d.ClientSecret)
	}
	return argv
}

func (d Deploy) login(argv []string) []string {
	for _, f := range [][2]string{
		{"--resource-group", d.ResourceGroup}, {"--location", d.Location}, {"--subscription-id", d.Subscription},
		{"--identity-system", string(d.Identity)}, {"--auth-method", string(d.Method)}, {"--client-id", d.ClientID},
	} {
		if f[1] != "" {
			argv = append(argv, f[0], f[1])
		}
	}
	if d.Method == workflows.AuthCertificate {
		return append(argv, "--certificate-path", d.Certificate, "--private-key-path", d.PrivateKey)
	}
	return append(argv, "--client-secret", d.ClientSecret)
}

// Display is the command for people's eyes: secrets masked, one flag a line.
func (d Deploy) Display() string { return display(d.Argv()) }

func display(argv []string) string {
	var b strings.Builder
	for i, word := range argv {
		switch {
		case i == 0:
		case strings.HasPrefix(word, "--"):
			b.WriteString(" \\\n    ")
		default:
			b.WriteByte(' ')
		}
		if i > 0 && argv[i-1] == "--client-secret" {
			word = Mask
		}
		b.WriteString(shown(word))
	}
	return b.String()
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./~•-]+$`)

// shown quotes a word for reading. It is not what a shell is given.
func shown(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
