package trafficmanager

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	w "hubwright/workflows"
)

const (
	monitorPause = 3 * time.Second
	// looks is how often the name is asked for: enough that a Site with a
	// tenth of the users is most likely seen, where no resolver remembers.
	looks       = 20
	visitPause  = 2 * time.Second
	visitTries  = 15
	lookupTries = 20
)

func (f flow) group(ctx context.Context, s *State, log w.Log) error {
	c, err := f.cloud(ctx, s)
	if err != nil {
		return err
	}
	made, err := c.EnsureResourceGroup(ctx, s.Profile.ResourceGroup, s.Location)
	if err != nil {
		return err
	}
	if made {
		s.Found.Changes = append(s.Found.Changes, "resource group "+s.Profile.ResourceGroup+" made")
		log.Good("The resource group %s was made in %s", s.Profile.ResourceGroup, s.Location)
		return nil
	}
	log.Info("The resource group %s is there", s.Profile.ResourceGroup)
	return nil
}

// profile makes the profile as planned. One that is so already is left alone.
func (f flow) profile(ctx context.Context, s *State, log w.Log) error {
	c, err := f.cloud(ctx, s)
	if err != nil {
		return err
	}
	now, _, err := c.TrafficProfile(ctx, s.Profile.ResourceGroup, s.Profile.Name)
	absent := errors.Is(err, w.ErrNotFound)
	if err != nil && !absent {
		return err
	}
	var todo []string
	switch {
	case absent && !s.isNew():
		return &w.Problem{Code: "traffic.gone", What: "The profile " + s.Profile.Name + " is not there", Why: "Somebody deleted it since the plan was made.", Fix: "Start again and choose a new profile."}
	case absent:
		todo = []string{"profile " + s.Profile.Name + " made"}
	default:
		s.Profile.FQDN, s.Others = now.FQDN, now.Others
		todo = differences(now, s.Profile)
	}
	for _, e := range s.Others {
		log.Info("The endpoint %s leads to %s and stays as it is", e.Name, e.Target)
	}
	if len(todo) == 0 {
		log.Good("The profile is as planned already: nothing is changed")
		return nil
	}
	for _, t := range todo {
		log.Info("%s", t)
	}
	if err := c.SaveTrafficProfile(ctx, s.Profile); err != nil {
		return err
	}
	now, _, err = c.TrafficProfile(ctx, s.Profile.ResourceGroup, s.Profile.Name)
	if err != nil {
		return err
	}
	if left := differences(now, s.Profile); len(left) > 0 {
		return &w.Problem{Code: "traffic.differs", What: "Azure did not take the profile as it was sent", Why: strings.Join(left, "; ") + ".", Fix: "Look whether somebody else or a policy changes the profile, then retry."}
	}
	for _, t := range todo {
		if !slices.Contains(s.Found.Changes, t) {
			s.Found.Changes = append(s.Found.Changes, t)
		}
	}
	s.Profile.FQDN = now.FQDN
	log.Good("%s leads to %d endpoints by the method %s", now.FQDN, len(now.Endpoints)+len(now.Others), now.Method)
	return nil
}

func (f flow) record(ctx context.Context, s *State, log w.Log) error {
	old, err := f.Records.TrafficProfile(ctx, s.DeploymentID)
	if err != nil && !errors.Is(err, w.ErrNotFound) {
		return err
	}
	p := s.Profile
	p.DeploymentID, p.RunID, p.UpdatedAt = s.DeploymentID, old.RunID, old.UpdatedAt
	if err == nil && sameRecord(old, p) {
		log.Info("The name is recorded already")
		return nil
	}
	p.RunID = w.OriginOf(ctx).RunID
	if err := f.Records.SaveTrafficProfile(ctx, &p); err != nil {
		return err
	}
	if s.Known {
		s.Found.Changes = append(s.Found.Changes, "record of the name brought up to date")
	} else {
		s.Found.Changes = append(s.Found.Changes, "name recorded for "+s.DeploymentName)
	}
	log.Good("Hubwright knows %s as the name of %s", p.FQDN, s.DeploymentName)
	return nil
}

func sameRecord(a, b w.TrafficProfile) bool {
	same := slices.Equal(a.Endpoints, b.Endpoints)
	a.Endpoints, b.Endpoints = nil, nil
	return same && fmt.Sprint(a) == fmt.Sprint(b)
}

// monitor waits until Traffic Manager has found every Site that is in
// rotation well.
func (f flow) monitor(ctx context.Context, s *State, log w.Log) error {
	c, err := f.cloud(ctx, s)
	if err != nil {
		return err
	}
	// Two rounds of what it takes to call an endpoint Degraded.
	quick, _ := failover(s.Profile)
	tries := 2*quick/int(monitorPause.Seconds()) + 10
	last := ""
	for try := 0; ; try++ {
		_, h, err := c.TrafficProfile(ctx, s.Profile.ResourceGroup, s.Profile.Name)
		if err != nil {
			return err
		}
		waiting := 0
		var said []string
		for _, e := range s.Profile.Endpoints {
			status := h.Endpoints[e.Name]
			said = append(said, e.Name+" "+status)
			if e.Enabled && status != "Online" && status != "Unmonitored" {
				waiting++
			}
		}
		if text := strings.Join(said, ", "); text != last {
			log.Info("%s", text)
			last = text
		}
		n := len(s.Profile.Endpoints)
		log.Progress(100*(n-waiting)/n, last)
		if waiting == 0 {
			log.Good("Traffic Manager finds the profile %s", h.Profile)
			return nil
		}
		if try >= tries {
			return f.notOnline(s, last)
		}
		if err := f.Pause(ctx, monitorPause); err != nil {
			return err
		}
	}
}

func (f flow) notOnline(s *State, last string) error {
	p := s.Profile.Probe
	return &w.Problem{
		Code: "traffic.degraded", What: "Not every Site is Online", Why: "Traffic Manager says: " + last + ".",
		Fix: fmt.Sprintf("Azure must get 200 for %s on port %d of each target from the Internet. Look whether the ingress answers there without a redirect, whether it needs a Host header, and whether a network rule keeps Azure's probes out. Then retry from this step.", p.Path, p.Port),
	}
}

// dns asks for the name until it leads to the Sites alone.
func (f flow) dns(ctx context.Context, s *State, log w.Log) error {
	v, err := f.visitor(ctx, s)
	if err != nil {
		return err
	}
	targets, err := f.targets(ctx, v, s)
	if err != nil {
		return err
	}
	log.Command("nslookup " + s.Profile.FQDN)
	for try := 0; ; try++ {
		found, stranger, err := f.count(ctx, v, s, targets)
		switch {
		case err == nil && stranger == "":
			s.Found.Answers = found
			for _, site := range s.Sites {
				if n, ok := found[site.ID]; ok {
					log.Info("%s: %d of %d answers", site.Name, n, looks)
				}
			}
			log.Good("%s leads to the Sites", s.Profile.FQDN)
			return nil
		case err == nil && leadsElsewhere(s):
			log.Info("%s leads to %s as well, where an endpoint leads that is not a Site's", s.Profile.FQDN, stranger)
			return nil
		case !s.azure() && err == nil:
			log.Info("%s leads to %s, which is your load balancer", s.Profile.FQDN, stranger)
			return nil
		case try >= lookupTries && err != nil:
			return err
		case try >= lookupTries:
			return &w.Problem{Code: "traffic.stranger", What: "The name leads elsewhere", Why: fmt.Sprintf("%s leads to %s, which is no Site of this Deployment.", s.Profile.FQDN, stranger), Fix: "Look who answers for the name, and whether an old answer is still remembered. Then retry from this step."}
		}
		if err := f.Pause(ctx, monitorPause); err != nil {
			return err
		}
	}
}

// leadsElsewhere says whether answers may lead to what is no Site.
func leadsElsewhere(s *State) bool {
	return slices.ContainsFunc(s.Others, func(e w.TrafficEndpoint) bool { return e.Enabled })
}

// targets are the addresses and names of the endpoints, with their Sites.
func (f flow) targets(ctx context.Context, v Visitor, s *State) (map[string]string, error) {
	out := map[string]string{}
	for _, e := range s.Profile.Endpoints {
		out[strings.ToLower(e.Target)] = e.SiteID
		if isAddress(e.Target) {
			continue
		}
		addresses, _, err := v.Lookup(ctx, e.Target)
		if err != nil && s.azure() {
			return nil, err
		}
		for _, a := range addresses {
			out[a] = e.SiteID
		}
	}
	return out, nil
}

// count asks for the name and counts the Sites in the answers. stranger is an
// answer that belongs to no Site.
func (f flow) count(ctx context.Context, v Visitor, s *State, targets map[string]string) (found map[string]int, stranger string, err error) {
	found = map[string]int{}
	for range looks {
		addresses, alias, err := v.Lookup(ctx, s.Profile.FQDN)
		if err != nil {
			return nil, "", err
		}
		site, ok := targets[alias]
		for _, a := range addresses {
			if !ok {
				site, ok = targets[a]
			}
		}
		if !ok {
			return nil, strings.Join(addresses, ", "), nil
		}
		found[site]++
	}
	return found, "", nil
}

func (f flow) visit(ctx context.Context, s *State, log w.Log) error {
	v, err := f.visitor(ctx, s)
	if err != nil {
		return err
	}
	log.Command("curl --fail " + s.link())
	for try := 0; ; try++ {
		status, err := v.Get(ctx, s.link(), s.Profile.Probe.Host)
		if err == nil && status < 400 {
			s.Found.Status = status
			log.Good("%s answers %d", s.link(), status)
			return nil
		}
		if try >= visitTries {
			if err != nil {
				return err
			}
			return &w.Problem{Code: "traffic.visit", What: "The application does not answer by its name", Why: fmt.Sprintf("%s answers %d.", s.link(), status), Fix: "The Sites answer the probe, so look whether the ingress has a rule for this host. Then retry from this step."}
		}
		if err := f.Pause(ctx, visitPause); err != nil {
			return err
		}
	}
}
