// Package loganalytics plays the part of Azure Monitor that a cluster's agent
// needs: workspaces with their keys, the ContainerInsights solution, and the
// query API. What a query answers is what the agents of the live clusters
// would have sent.
package loganalytics

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"hubwright/internal/sandbox/publicazure"
)

// The names that the parts have.
const (
	QueryHost     = "api.loganalytics.io"
	QueryAudience = "https://api.loganalytics.io"

	workspaceSpace = "Microsoft.OperationalInsights"
	solutionSpace  = "Microsoft.OperationsManagement"
)

// What Azure takes its time for, at speed 1.
const (
	makingTakes  = 30 * time.Second
	solvingTakes = 20 * time.Second
	lag          = 2 * time.Minute // from a ready agent to the first row
	keptFor      = 14 * 24 * time.Hour
)

// Agent is a monitoring agent that runs in a cluster, with what it would send.
type Agent struct {
	WorkspaceID, Key string
	ClusterName      string
	ReadySince       time.Time // zero while it is not ready
	Nodes            []Node
	Pods             []Pod
	Events           []Event
}

// Node is a row of the nodes' inventory.
type Node struct{ Name, Status, Version string }

// Pod is a row of the pods' inventory.
type Pod struct{ Name, UID, Namespace, Controller, Node, Status string }

// Event is something that the cluster told.
type Event struct{ Name, Namespace, Kind, Type, Reason, Message string }

// Config are the settings of a Service.
type Config struct {
	Azure *publicazure.Azure // where the workspaces are
	// Agents looks at the clusters.
	Agents func(ctx context.Context) []Agent
	// Refuse says why a request to the query API may not read: an HTTP status
	// and words, or 0.
	Refuse func(r *http.Request) (status int, message string)
	Now    func() time.Time // nil: the time
}

// Service is Log Analytics. Its methods may be called from any goroutine.
type Service struct {
	cfg Config
	mu  sync.Mutex // held while a document is read and written again
}

// New makes a Service and mounts its providers.
func New(cfg Config) *Service {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Service{cfg: cfg}
	cfg.Azure.Mount(publicazure.Provider{
		Namespace: workspaceSpace, Handler: http.HandlerFunc(s.workspaces),
		Versions: map[string][]string{"workspaces": {"2025-07-01", "2025-02-01", "2023-09-01", "2022-10-01", "2021-06-01", "2020-08-01"}},
	})
	cfg.Azure.Mount(publicazure.Provider{
		Namespace: solutionSpace, Handler: http.HandlerFunc(s.solutions),
		Versions: map[string][]string{"solutions": {"2015-11-01-preview"}},
	})
	return s
}

// workspace is the document of one, gone ones included: they can be had back.
type workspace struct {
	ID, Name, Group, Location string
	CustomerID                string
	Keys                      [2]string
	Properties                map[string]any // as they were asked for
	Tags                      map[string]any
	Made, ReadyAt             time.Time
	Gone                      time.Time       // when it was deleted; zero while it lives
	Fed                       map[string]bool // tables that ever had a row
}

// solution is the document of a workspace's ContainerInsights.
type solution struct {
	ID, Name, Location, Workspace string
	Plan                          map[string]any
	ReadyAt                       time.Time
}

// address is where an ARM request points to: the resource and what is behind
// its name.
type address struct{ group, name, verb, sub string }

func addressOf(path string) address {
	seg := strings.Split(strings.Trim(path, "/"), "/")
	at := func(i int) string {
		if i < len(seg) {
			return seg[i]
		}
		return ""
	}
	if !strings.EqualFold(at(2), "resourceGroups") { // the whole subscription
		return address{name: at(5)}
	}
	return address{group: at(3), name: at(7), verb: at(8), sub: at(9)}
}

func (s *Service) idOf(group, space, kind, name string) string {
	return s.cfg.Azure.GroupID(group) + "/providers/" + space + "/" + kind + "/" + name
}

// all reads the documents of a type, in a resource group or in all.
func all[T any](s *Service, space, kind string) []T {
	var out []T
	for _, id := range s.cfg.Azure.Store.Below(s.cfg.Azure.GroupID("")) {
		if strings.Contains(id, strings.ToLower("/providers/"+space+"/"+kind+"/")) {
			var doc T
			if s.cfg.Azure.Store.Get(id, &doc) {
				out = append(out, doc)
			}
		}
	}
	return out
}

func (s *Service) keep(out http.ResponseWriter, id string, doc any) bool {
	if err := s.cfg.Azure.Store.Put(id, doc); err != nil {
		publicazure.Fail(out, http.StatusInternalServerError, "InternalServerError", "%v", err)
		return false
	}
	return true
}

func (s *Service) after(d time.Duration) time.Time { return s.cfg.Now().Add(s.cfg.Azure.Real(d)) }

// RotateKeys gives every workspace that lives new keys.
func (s *Service) RotateKeys() error {
	for _, w := range all[workspace](s, workspaceSpace, "workspaces") {
		if !w.Gone.IsZero() {
			continue
		}
		w.Keys = [2]string{newKey(), newKey()}
		if err := s.cfg.Azure.Store.Put(w.ID, w); err != nil {
			return err
		}
	}
	return nil
}

// Workspaces names the resource IDs of the workspaces that live.
func (s *Service) Workspaces() []string {
	var out []string
	for _, w := range all[workspace](s, workspaceSpace, "workspaces") {
		if w.Gone.IsZero() {
			out = append(out, w.ID)
		}
	}
	return out
}
