package charts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/registry"
	"helm.sh/helm/v3/pkg/repo"
	"oras.land/oras-go/v2/registry/remote/auth"
	"sigs.k8s.io/yaml"

	"hubwright/internal/problem"
	"hubwright/workflows"
)

const (
	fetchTime  = 2 * time.Minute
	mostIndex  = 64 << 20
	mostChart  = 20 << 20
	ociScheme  = "oci://"
	userAgent  = "hubwright"
	manyChoice = 5
)

// Net is the way to the sources of charts.
type Net struct {
	CABundle string // PEM of the roots to trust besides the system's
	Proxy    string // http://host:port, or "" for a direct way
}

// Locate fetches the chart of a repository or registry. With a digest in src
// the archive must have that one. Errors are *workflows.Problem.
func Locate(ctx context.Context, src workflows.ChartSource, way Net) (workflows.Chart, error) {
	client, err := way.client()
	if err != nil {
		return workflows.Chart{}, err
	}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	var archive []byte
	switch src.Kind {
	case workflows.ChartRepository:
		archive, err = fromRepository(ctx, client, src)
	case workflows.ChartOCI:
		archive, err = fromRegistry(ctx, client, src)
	default:
		return workflows.Chart{}, fmt.Errorf("charts: a chart %s is not fetched", src.Kind)
	}
	if err != nil {
		return workflows.Chart{}, err
	}
	return Read(archive, src)
}

// Manifest fetches a file of objects, which is no chart. With a digest in src
// it must have that one. Errors are *workflows.Problem.
func Manifest(ctx context.Context, src workflows.ChartSource, way Net) ([]byte, error) {
	client, err := way.client()
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	text, err := get(ctx, client, src.URL, mostChart)
	if err != nil {
		return nil, unfetched("The file "+src.URL, err)
	}
	_, err = digested("file", text, src)
	return text, err
}

// digested is the SHA-256 of what was fetched, which must be the chosen one
// where one was chosen.
func digested(what string, body []byte, src workflows.ChartSource) (string, error) {
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])
	if src.Digest != "" && !strings.EqualFold(src.Digest, digest) {
		return digest, &workflows.Problem{
			Code: "chart.digest", What: "The " + what + " is not the one that was chosen", Why: "its SHA-256 is " + digest + ", not " + src.Digest,
			Fix: "Somebody published other contents under the same version. Find out who and why before you choose the new digest.",
		}
	}
	return digest, nil
}

// Read reads a chart's archive that is at hand. With a digest in src the
// archive must have that one.
func Read(archive []byte, src workflows.ChartSource) (workflows.Chart, error) {
	digest, err := digested("chart", archive, src)
	if err != nil {
		return workflows.Chart{}, err
	}
	ch, err := loader.LoadArchive(bytes.NewReader(archive))
	if err != nil {
		return workflows.Chart{}, notAChart(src.Title(), err)
	}
	if ch.Metadata.Type == "library" {
		return workflows.Chart{}, notAChart(src.Title(), errors.New("it is a library, which installs nothing by itself"))
	}
	out := workflows.Chart{
		Name: ch.Metadata.Name, Version: ch.Metadata.Version, AppVersion: ch.Metadata.AppVersion,
		Source: src.Place(), Digest: digest, HasSchema: len(ch.Schema) > 0, Archive: archive,
	}
	for _, f := range ch.Raw {
		if f.Name == chartutil.ValuesfileName {
			out.Values = string(f.Data)
		}
	}
	return out, nil
}

func notAChart(where string, err error) error {
	return &workflows.Problem{
		Code: "chart.archive", What: "This is no Helm chart that can be installed", Why: where + ": " + err.Error(),
		Fix: "Give the .tgz archive that helm package or helm pull makes.",
	}
}

func (n Net) client() (*http.Client, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if n.CABundle != "" && !roots.AppendCertsFromPEM([]byte(n.CABundle)) {
		return nil, &workflows.Problem{Code: "chart.ca", What: "The CA bundle cannot be used", Why: "there is no certificate in it", Fix: "Give PEM text that begins with BEGIN CERTIFICATE."}
	}
	t := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 15 * time.Second, ResponseHeaderTimeout: 30 * time.Second}
	if n.Proxy != "" {
		u, err := url.Parse(n.Proxy)
		if err != nil || u.Host == "" {
			return nil, &workflows.Problem{Code: "chart.proxy", What: "The proxy's address cannot be read", Fix: "Give it as http://host:port."}
		}
		t.Proxy = http.ProxyURL(u)
	}
	return &http.Client{Transport: t}, nil
}

func fromRepository(ctx context.Context, client *http.Client, src workflows.ChartSource) ([]byte, error) {
	base := strings.TrimSuffix(src.URL, "/")
	text, err := get(ctx, client, base+"/index.yaml", mostIndex)
	if err != nil {
		return nil, unfetched("The chart repository "+src.URL, err)
	}
	var index repo.IndexFile
	if err := yaml.Unmarshal(text, &index); err != nil || index.Entries == nil {
		return nil, &workflows.Problem{
			Code: "chart.repository", What: "There is no chart repository at " + src.URL, Why: "its index.yaml is no index of charts",
			Fix: "Give the URL that helm repo add takes. A page for people or a login page does not do.",
		}
	}
	index.SortEntries()
	v, err := index.Get(src.Name, src.Version)
	if err != nil {
		return nil, notThere(src, &index)
	}
	if len(v.URLs) == 0 {
		return nil, notThere(src, &index)
	}
	at, err := repo.ResolveReferenceURL(base+"/", v.URLs[0])
	if err != nil {
		return nil, unfetched("The chart "+src.Title(), err)
	}
	archive, err := get(ctx, client, at, mostChart)
	if err != nil {
		return nil, unfetched("The chart "+src.Title(), err)
	}
	sum := sha256.Sum256(archive)
	if want := strings.TrimPrefix(v.Digest, digestMark); want != "" && want != hex.EncodeToString(sum[:]) {
		return nil, &workflows.Problem{
			Code: "chart.digest", What: "The chart " + src.Title() + " was damaged or replaced", Why: "its SHA-256 is not the one that the repository's index names",
			Fix: "Try again. When it stays so, the repository or something between is not to be trusted.",
		}
	}
	return archive, nil
}

// notThere names what there is instead.
func notThere(src workflows.ChartSource, index *repo.IndexFile) error {
	p := &workflows.Problem{Code: "chart.missing", What: "The repository " + src.URL + " does not have the chart " + src.Name + " " + src.Version}
	all := index.Entries[src.Name]
	if len(all) == 0 {
		p.Why, p.Fix = "it has no chart of that name", "Look at the name: it is the one before the version, without the repository's own name."
		return p
	}
	var have []string
	for _, v := range all[:min(len(all), manyChoice)] {
		have = append(have, v.Version)
	}
	p.Why, p.Fix = "its newest versions are "+strings.Join(have, ", "), "Choose a version that is there, or give the archive yourself."
	return p
}

func fromRegistry(ctx context.Context, client *http.Client, src workflows.ChartSource) ([]byte, error) {
	client = &http.Client{Transport: bound{ctx, client.Transport}}
	anonymous := func(context.Context, string) (auth.Credential, error) { return auth.EmptyCredential, nil }
	reg, err := registry.NewClient(
		registry.ClientOptHTTPClient(client), registry.ClientOptWriter(io.Discard),
		// Never the logins of the person whose account the server runs under.
		registry.ClientOptCredentialsFile(filepath.Join(os.TempDir(), "hubwright-no-registry-logins.json")),
		registry.ClientOptAuthorizer(auth.Client{Client: client, Credential: anonymous, Header: http.Header{"User-Agent": {userAgent}}}),
	)
	if err != nil {
		return nil, unfetched("The registry of "+src.URL, err)
	}
	ref := strings.TrimPrefix(src.URL, ociScheme)
	if !strings.HasPrefix(src.URL, ociScheme) || !strings.Contains(ref, "/") {
		return nil, &workflows.Problem{Code: "chart.reference", What: "The reference " + src.URL + " cannot be used", Why: "it is not oci://registry/path/chart", Fix: "Give the reference that helm pull takes, without the version."}
	}
	got, err := reg.Pull(ref + ":" + strings.ReplaceAll(src.Version, "+", "_"))
	if err != nil {
		if text := err.Error(); strings.Contains(text, "not found") || strings.Contains(text, "404") {
			return nil, &workflows.Problem{
				Code: "chart.missing", What: "The registry does not have " + src.Title(), Why: "it knows no such chart or version", Detail: text,
				Fix: "Look at path and version, which is the tag, or give the archive yourself.",
			}
		}
		return nil, unfetched("The registry of "+src.URL, err)
	}
	return got.Chart.Data, nil
}

func get(ctx context.Context, client *http.Client, at string, most int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", userAgent)
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", at, res.Status)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err == nil && int64(len(body)) > most {
		err = fmt.Errorf("%s is larger than %d MiB", at, most>>20)
	}
	return body, err
}

func unfetched(what string, err error) error {
	p := problem.Network(err, what)
	if p.Code == "net.failed" {
		p.Code, p.What, p.Why = "chart.fetch", what+" cannot be read", err.Error()
		p.Fix = "Look whether the address is right and whether this server reaches it through the Stack's proxy. For a stamp without the Internet give the archive itself."
	}
	return p
}
