package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// config is what serve runs with. Every field has a flag and an environment
// variable; the flag wins.
type config struct {
	Listen    string         // host:port of the dashboard
	PublicURL string         // how people reach it; decides cookies and origins
	Data      string         // folder of database and files
	KeyFile   string         // the key that seals secrets; outside the database
	Book      string         // file of the audit's signed checkpoints
	Sinks     sinkConfig     // where else the checkpoints go
	Proxies   []netip.Prefix // whose word about a client's address counts
	Seed      string         // file with stacks and deployments to register at start
	Banner    string         // shown on every page
	Probe     time.Duration  // between two looks at a cluster, 0 for none
	Gallery   bool           // serve /gallery, for people who work on Hubwright
	LogJSON   bool
}

// parseConfig reads flags and environment and validates both. The message of
// an error names the flag.
func parseConfig(args []string, getenv func(string) string, stderr io.Writer) (config, error) {
	var c config
	fs := flag.NewFlagSet("hubwright serve", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&c.Listen, "listen", "127.0.0.1:8480", "host:port of the dashboard")
	fs.StringVar(&c.PublicURL, "public-url", "", "how people reach the dashboard; default http://<listen>")
	fs.StringVar(&c.Data, "data", ".data/server", "folder of the database and files")
	fs.StringVar(&c.KeyFile, "key-file", "", "key that seals secrets; default <data>/key (better: on another disk)")
	fs.StringVar(&c.Book, "audit-checkpoints", "", "file of the audit's signed checkpoints; default <data>/audit-checkpoints.jsonl (better: on another disk)")
	fs.StringVar(&c.Sinks.Syslog, "audit-syslog", "", "send each checkpoint to a syslog server: tls://host:6514, tcp://host:514 or udp://host:514")
	fs.StringVar(&c.Sinks.Webhook, "audit-webhook", "", "post each checkpoint as JSON to this URL")
	fs.StringVar(&c.Sinks.TokenFile, "audit-webhook-token-file", "", "file with the bearer token for --audit-webhook")
	fs.StringVar(&c.Sinks.CAFile, "audit-ca-file", "", "PEM file of the CA for --audit-syslog and --audit-webhook; default the system's")
	fs.Func("trusted-proxies", "networks of proxies before Hubwright, such as 10.0.0.0/8,127.0.0.1: their X-Forwarded-For is believed", c.trust)
	fs.StringVar(&c.Seed, "seed", "", "JSON file with stacks and deployments to register at start")
	fs.StringVar(&c.Banner, "banner", "", "sentence shown on every page")
	fs.DurationVar(&c.Probe, "probe-every", time.Minute, "how often each cluster is asked for the status page; 0 never asks")
	fs.BoolVar(&c.Gallery, "gallery", false, "serve /gallery with every page in every state")
	fs.BoolVar(&c.LogJSON, "log-json", false, "log as JSON")
	if err := parseFlags(fs, args, getenv); err != nil {
		return c, err
	}
	return c, c.validate()
}

// parseFlags takes flags from args and, where one is not given, from
// HUBWRIGHT_<NAME>.
func parseFlags(fs *flag.FlagSet, args []string, getenv func(string) string) error {
	var bad error
	fs.VisitAll(func(f *flag.Flag) {
		name := envName(f.Name)
		if v := getenv(name); v != "" {
			if err := fs.Set(f.Name, v); err != nil && bad == nil {
				bad = fmt.Errorf("%s=%q: %w", name, v, err)
			}
		}
	})
	if bad != nil {
		return bad
	}
	if err := fs.Parse(args); err != nil {
		return errUsage
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; see -h", fs.Arg(0))
	}
	return nil
}

func envName(flagName string) string {
	return "HUBWRIGHT_" + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}

// trust reads networks and single addresses.
func (c *config) trust(list string) error {
	c.Proxies = nil
	for _, part := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		p, err := netip.ParsePrefix(part)
		if err != nil {
			a, aerr := netip.ParseAddr(part)
			if aerr != nil {
				return fmt.Errorf("%q is neither a network such as 10.0.0.0/8 nor an address", part)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		c.Proxies = append(c.Proxies, p.Masked())
	}
	return nil
}

func (c config) proxiesShown() string {
	var out []string
	for _, p := range c.Proxies {
		out = append(out, p.String())
	}
	return strings.Join(out, ", ")
}

func (c *config) validate() error {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen %q is not host:port, for example 127.0.0.1:8480", c.Listen)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("--listen %q: the port is a number from 0 to 65535", c.Listen)
	}
	if c.PublicURL == "" {
		if host == "" {
			host = "localhost"
		}
		c.PublicURL = "http://" + net.JoinHostPort(host, port)
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("--public-url %q is not a URL such as https://hubwright.example.com", c.PublicURL)
	}
	if c.Probe != 0 && c.Probe < 5*time.Second {
		return fmt.Errorf("--probe-every %s is too often: at least 5s, or 0 to never ask", c.Probe)
	}
	if c.Seed != "" {
		if _, err := os.Stat(c.Seed); err != nil {
			return fmt.Errorf("--seed: %w", err)
		}
	}
	if c.Data, err = filepath.Abs(c.Data); err != nil {
		return fmt.Errorf("--data: %w", err)
	}
	c.KeyFile = orDefault(c.KeyFile, filepath.Join(c.Data, "key"))
	c.Book = orDefault(c.Book, filepath.Join(c.Data, checkpointName))
	return nil
}

// lines is the configuration for people; it holds no secrets.
func (c config) lines() [][2]string {
	return [][2]string{
		{"listen", c.Listen}, {"public-url", c.PublicURL}, {"data", c.Data},
		{"key-file", c.KeyFile}, {"audit-checkpoints", c.Book}, {"audit-syslog", c.Sinks.Syslog},
		{"audit-webhook", c.Sinks.webhookShown()}, {"audit-webhook-token-file", c.Sinks.TokenFile}, {"audit-ca-file", c.Sinks.CAFile}, {"trusted-proxies", c.proxiesShown()}, {"seed", c.Seed}, {"banner", c.Banner},
		{"probe-every", c.Probe.String()}, {"gallery", strconv.FormatBool(c.Gallery)}, {"log-json", strconv.FormatBool(c.LogJSON)},
	}
}
