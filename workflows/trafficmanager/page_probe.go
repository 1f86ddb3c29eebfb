package trafficmanager

import (
	"fmt"
	"strconv"
	"strings"

	w "hubwright/workflows"
)

func probePage() w.Page[State] {
	num := func(get func(p w.TrafficProbe) int) func(*State) string {
		return func(s *State) string { return strconv.Itoa(get(s.Profile.Probe)) }
	}
	asksPath := func(s *State) bool { return s.Profile.Probe.Protocol != "TCP" }
	return w.Page[State]{
		ID: "probe", Title: "How a Site's health is asked for", Why: "A Site that does not answer as it should is left out of the answers.",
		Fields: []w.Field[State]{
			{Name: "protocol", Label: "Protocol", Kind: w.FieldRadio, Reloads: true, Default: func(s *State) string { return s.Profile.Probe.Protocol }, Options: fixed(
				w.Option{Value: "HTTP", Label: "HTTP", Note: "The page must answer 200. A redirect to HTTPS counts as a failure."},
				w.Option{Value: "HTTPS", Label: "HTTPS", Note: "The same over TLS. The certificate's validity is not looked at."},
				w.Option{Value: "TCP", Label: "TCP", Note: "Somebody must accept the connection; an ingress does so also while the application is broken."},
			)},
			{Name: "port", Label: "Port", Kind: w.FieldNumber, Default: num(func(p w.TrafficProbe) int { return p.Port })},
			{Name: "path", Label: "Path", Kind: w.FieldText, When: asksPath, Default: func(s *State) string { return s.Profile.Probe.Path }, Help: "It begins with a slash, and answers 200 when the application is well."},
			{Name: "host", Label: "Host", Kind: w.FieldText, Optional: true, When: asksPath, Default: func(s *State) string { return s.Profile.Probe.Host }, Help: "Sent as Host header, for an ingress that listens for one host. Without it each Site is asked by its own target name."},
			{Name: "interval", Label: "Interval", Kind: w.FieldRadio, Reloads: true, When: azureOnly, Default: num(func(p w.TrafficProbe) int { return p.IntervalSeconds }), Options: fixed(
				w.Option{Value: "30", Label: "30 seconds", Note: "The usual one."},
				w.Option{Value: "10", Label: "10 seconds", Note: "Finds a lost stamp faster, and costs more."},
			)},
			{Name: "timeout", Label: "Time-out of one probe", Unit: "seconds", Kind: w.FieldNumber, When: azureOnly, Default: num(func(p w.TrafficProbe) int { return p.TimeoutSeconds }), Help: "5 to 10 with the interval of 30 seconds, 5 to 9 with that of 10."},
			{Name: "tolerated", Label: "Failures that are tolerated", Kind: w.FieldNumber, When: azureOnly, Default: num(func(p w.TrafficProbe) int { return p.ToleratedFailures }), Help: "In a row, 0 to 9. The next one makes the endpoint Degraded."},
		},
		Bind: bindProbe,
	}
}

func bindProbe(a w.Answers, s *State) []w.FieldError {
	p := &s.Profile.Probe
	var errs []w.FieldError
	bad := func(field, message string) { errs = append(errs, w.FieldError{Field: field, Message: message}) }
	p.Protocol = a.Get("protocol")
	p.Path, p.Host = a.Get("path"), strings.ToLower(a.Get("host"))
	switch p.Protocol {
	case "TCP":
		p.Path, p.Host = "", "" // a connection has neither
	case "HTTP", "HTTPS":
		if !strings.HasPrefix(p.Path, "/") || strings.ContainsAny(p.Path, " \t") {
			bad("path", "The path begins with a slash and has no white space: /")
		}
		if p.Host != "" && !hostName.MatchString(p.Host) {
			bad("host", "This is not a full host name, such as ratings.example.com. Leave it empty to ask by the target's own name.")
		}
	default:
		bad("protocol", "Choose HTTP, HTTPS or TCP.")
	}
	errs = append(errs, whole(a, "port", 1, 65535, &p.Port)...)
	if !s.azure() {
		return errs
	}
	switch a.Get("interval") {
	case "30", "10":
		p.IntervalSeconds, _ = strconv.Atoi(a.Get("interval"))
	default:
		bad("interval", "Azure probes each 30 or each 10 seconds.")
		return errs
	}
	longest := 10
	if p.IntervalSeconds == 10 {
		longest = 9
	}
	n, err := strconv.Atoi(a.Get("timeout"))
	if err != nil || n < 5 || n > longest {
		bad("timeout", fmt.Sprintf("With an interval of %d seconds the time-out is a whole number from 5 to %d.", p.IntervalSeconds, longest))
	}
	p.TimeoutSeconds = n
	return append(errs, whole(a, "tolerated", 0, 9, &p.ToleratedFailures)...)
}

// failover is how long it takes, at worst, until new users are led elsewhere,
// and until those that asked before are, in seconds.
func failover(p w.TrafficProfile) (newUsers, allUsers int) {
	newUsers = (p.Probe.ToleratedFailures+1)*p.Probe.IntervalSeconds + p.Probe.TimeoutSeconds
	return newUsers, newUsers + p.TTL
}
