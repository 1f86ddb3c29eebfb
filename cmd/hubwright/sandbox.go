package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"hubwright/internal/sandbox"
	"hubwright/internal/sandbox/controlplane"
	"hubwright/internal/sandbox/faults"
	"hubwright/internal/sandbox/standin"
	"hubwright/workflows"
)

// runStandin routes the stand-in of AKS Engine, which the sandbox's helper VMs
// start through a wrapper.
func runStandin(args []string, c console) (int, bool) {
	if len(args) < 2 || args[1] != standin.Command {
		return 0, false
	}
	return standin.Main(args[2:], c.getenv, c.stdin, c.stdout, c.stderr), true
}

// runSandbox plays two Azure Stack Hubs until ctx ends.
func runSandbox(ctx context.Context, c console, args []string) error {
	var o sandbox.Options
	var seedFile, faultsFile string
	fs := flag.NewFlagSet("hubwright sandbox", flag.ContinueOnError)
	fs.SetOutput(c.stderr)
	fs.StringVar(&o.Dir, "dir", ".data/sandbox", "folder of the sandbox's state")
	fs.StringVar(&o.ProxyAddr, "proxy", sandbox.DefaultProxyAddr, "loopback address of the one door")
	fs.Float64Var(&o.Speed, "speed", sandbox.DefaultSpeed, "how many times faster than a real Hub; 1 is real")
	fs.StringVar(&o.EngineBin, "aks-engine", "", "a real aks-engine-azurestack for the helper VMs; default: a stand-in")
	fs.StringVar(&o.PageAddr, "page", sandbox.DefaultPageAddr, "loopback address of the page that shows the emulated world and switches faults; empty serves none")
	fs.StringVar(&o.DNSAddr, "dns", "", "loopback address of the name server of the emulated Internet; default: 127.BLOCK.0.53:5353")
	fs.StringVar(&faultsFile, "faults", "", "JSON list of faults that are in force from the start")
	fs.IntVar(&o.Block, "block", sandbox.DefaultBlock, "its addresses are 127.BLOCK.0.0/16 and the next one; a second sandbox on one machine needs others")
	fs.StringVar(&seedFile, "seed", "", "write a file for hubwright serve --seed")
	if err := parseFlags(fs, args, c.getenv); err != nil {
		return err
	}
	if faultsFile != "" {
		var err error
		if o.Faults, err = readFaults(faultsFile); err != nil {
			return err
		}
	}
	o.Log = slog.New(slog.NewTextHandler(c.stderr, nil))
	for _, name := range []string{standin.BitsVariable, standin.PauseVariable} {
		if v := c.getenv(name); v != "" {
			o.MachineEnv = append(o.MachineEnv, name+"="+v)
		}
	}
	planes := buildBeside(ctx, c.stdout, func(ctx context.Context, progress func(string)) (string, error) {
		return controlplane.Build(ctx, "", progress)
	})
	o.ControlPlane = planes.binary
	w, err := sandbox.Start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { w.Close(); <-planes.built }()
	if page := w.PageURL(); page != "" {
		fmt.Fprintf(c.stdout, "What the sandbox does, and faults to switch: %s\n", page)
	}
	if err := introduce(c, w.Seed(), o.Dir, seedFile); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func readFaults(file string) ([]faults.Rule, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("--faults: %w", err)
	}
	defer f.Close()
	rules, err := faults.Read(f)
	if err != nil {
		return nil, fmt.Errorf("--faults %s: %w", file, err)
	}
	return rules, nil
}

// introduce prints what there is and writes the seed.
func introduce(c console, s sandbox.Seed, dir, seedFile string) error {
	fmt.Fprintf(c.stdout, "Sandbox is up. Everything is behind the proxy %s\n", s.Proxy)
	for _, st := range s.Stacks {
		fmt.Fprintf(c.stdout, "  %-8s %s (%s)\n", st.Name, st.ARMEndpoint, st.IdentitySystem)
		env, err := writeEnv(dir, s, st)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.stdout, "           endpoints, CA and credentials for a shell: . %s\n", env)
		for _, h := range st.Hosts {
			key := filepath.Join(dir, h.Name+".key")
			if err := os.WriteFile(key, []byte(h.PrivateKey), 0o600); err != nil {
				return err
			}
			kind := "an existing Linux host"
			if h.Windows {
				kind = "an existing Windows host, to be refused"
			}
			fmt.Fprintf(c.stdout, "           %s: %s, %s port %d, user %s, private key in %s\n", h.Name, kind, h.Address, h.Port, h.User, key)
		}
	}
	fmt.Fprintf(c.stdout, "  Azure    %s, resource group %s; names of Traffic Manager: through the proxy, or by the name server %s\n", s.Azure.ARMEndpoint, s.Azure.ResourceGroup, s.Azure.DNSServer)
	if seedFile == "" {
		return nil
	}
	raw, err := json.MarshalIndent(productSeed(s), "", "  ")
	if err != nil {
		return err
	}
	tmp := seedFile + ".new"
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, seedFile)
}

// productSeed is the sandbox as serve reads it: Seattle with a secret, Orlando
// with a certificate, and a deployment over both.
func productSeed(s sandbox.Seed) seed {
	a := s.Azure
	out := seed{Deployments: []seedDeployment{{Name: "Ratings"}}, Connections: []seedConnection{{
		Name: a.Name, Kind: workflows.ConnectionAzure, Endpoint: a.ARMEndpoint, LoginEndpoint: a.LoginEndpoint, TenantID: a.TenantID, SubscriptionID: a.SubscriptionID,
		ClientID: a.ClientID, ClientSecret: a.ClientSecret, CABundle: a.CABundle, HTTPSProxy: a.Proxy, DNSServer: a.DNSServer,
	}}}
	out.Connections = append(out.Connections, seedConnection{
		Name: "Contoso DevOps", Kind: workflows.ConnectionDevOps, Endpoint: s.DevOps.Organization, Token: s.DevOps.Token, CABundle: s.PublicCA, HTTPSProxy: s.Proxy,
	})
	for i, st := range s.Stacks {
		p := seedStack{
			Name: st.Name, ARMEndpoint: st.ARMEndpoint, PortalURL: st.PortalURL, SubscriptionID: st.SubscriptionID,
			ClientID: st.ClientID, CABundle: st.CABundle, HTTPSProxy: st.Proxy, AirGapped: st.AirGapped,
		}
		if i == 0 {
			p.ClientSecret = st.ClientSecret
		} else {
			p.Certificate = st.Certificate + st.CertificateKey
		}
		out.Stacks = append(out.Stacks, p)
		out.Deployments[0].Sites = append(out.Deployments[0].Sites, st.Name)
	}
	return out
}
