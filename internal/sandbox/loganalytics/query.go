package loganalytics

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"hubwright/internal/sandbox/publicazure"
)

// QueryHandler answers at api.loganalytics.io.
func (s *Service) QueryHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/workspaces/{id}/query", s.query)
	mux.HandleFunc("/", func(out http.ResponseWriter, _ *http.Request) {
		publicazure.Fail(out, http.StatusNotFound, "PathNotFoundError", "The requested path does not exist")
	})
	return mux
}

func (s *Service) query(out http.ResponseWriter, r *http.Request) {
	if status, message := s.cfg.Refuse(r); status != 0 {
		code := "InsufficientAccessError"
		if status == http.StatusUnauthorized {
			code = "InvalidTokenError"
		}
		publicazure.Fail(out, status, code, "%s", message)
		return
	}
	var body struct{ Query string }
	if !publicazure.Read(out, r, &body) {
		return
	}
	agents := s.cfg.Agents(r.Context())
	s.mu.Lock()
	tables, ok := s.tables(r.PathValue("id"), agents)
	s.mu.Unlock()
	if !ok {
		publicazure.Fail(out, http.StatusNotFound, "WorkspaceNotFoundError", "The workspace could not be found")
		return
	}
	answer, err := ask(body.Query, tables, s.cfg.Now())
	if err != nil {
		publicazure.Answer(out, http.StatusBadRequest, object{"error": object{
			"code": "BadArgumentError", "message": "The request had some invalid properties",
			"innererror": object{"code": err.code, "message": "A " + err.kind + " error occurred.", "innererror": object{"code": err.number, "message": err.message}},
		}})
		return
	}
	publicazure.Answer(out, http.StatusOK, object{"tables": []any{answer}})
}

// tables are what a workspace holds: what its agents would have sent by now. A
// table that never had a row is not there.
func (s *Service) tables(customer string, agents []Agent) (map[string]table, bool) {
	var ws *workspace
	for _, w := range all[workspace](s, workspaceSpace, "workspaces") {
		if strings.EqualFold(w.CustomerID, customer) && w.Gone.IsZero() {
			ws = &w
		}
	}
	if ws == nil {
		return nil, false
	}
	out, fed := map[string]table{}, len(ws.Fed)
	if sol, on := s.solutionOf(*ws); on && !s.cfg.Now().Before(sol.ReadyAt) {
		for _, a := range agents {
			if s.arrives(ws, a) {
				s.pour(ws, a, out)
			}
		}
	}
	if len(ws.Fed) > fed {
		_ = s.cfg.Azure.Store.Put(ws.ID, ws) // forgotten, it is found again with the next look
	}
	for name := range ws.Fed {
		if _, ok := out[name]; !ok {
			out[name] = table{columns: columns[name]}
		}
	}
	return out, true
}

// arrives says whether the workspace takes what an agent sends.
func (s *Service) arrives(ws *workspace, a Agent) bool {
	if !strings.EqualFold(a.WorkspaceID, ws.CustomerID) || !slices.Contains(ws.Keys[:], a.Key) || a.ReadySince.IsZero() {
		return false
	}
	if f, ok := ws.Properties["features"].(object); ok && f["disableLocalAuth"] == true {
		return false
	}
	return !s.cfg.Now().Before(a.ReadySince.Add(s.cfg.Azure.Real(lag)))
}

var columns = map[string][]column{
	"Heartbeat":         {{"TimeGenerated", "datetime"}, {"Computer", "string"}, {"Category", "string"}, {"OSType", "string"}},
	"KubeNodeInventory": {{"TimeGenerated", "datetime"}, {"ClusterName", "string"}, {"Computer", "string"}, {"Status", "string"}, {"KubeletVersion", "string"}},
	"KubePodInventory":  {{"TimeGenerated", "datetime"}, {"ClusterName", "string"}, {"PodUid", "string"}, {"Name", "string"}, {"Namespace", "string"}, {"ControllerName", "string"}, {"Computer", "string"}, {"PodStatus", "string"}},
	"KubeEvents":        {{"TimeGenerated", "datetime"}, {"ClusterName", "string"}, {"Name", "string"}, {"Namespace", "string"}, {"ObjectKind", "string"}, {"KubeEventType", "string"}, {"Reason", "string"}, {"Message", "string"}},
}

// pour puts an agent's last minute into the tables.
func (s *Service) pour(ws *workspace, a Agent, into map[string]table) {
	at := s.cfg.Now().Truncate(time.Minute)
	if at.Before(a.ReadySince) {
		at = a.ReadySince
	}
	add := func(name string, row ...any) {
		t := into[name]
		t.columns, t.rows = columns[name], append(t.rows, append([]any{at}, row...))
		into[name] = t
		ws.Fed[name] = true
	}
	for _, n := range a.Nodes {
		add("Heartbeat", n.Name, "Direct Agent", "Linux")
		add("KubeNodeInventory", a.ClusterName, n.Name, n.Status, n.Version)
	}
	for _, p := range a.Pods {
		add("KubePodInventory", a.ClusterName, p.UID, p.Name, p.Namespace, p.Controller, p.Node, p.Status)
	}
	for _, e := range a.Events {
		add("KubeEvents", a.ClusterName, e.Name, e.Namespace, e.Kind, e.Type, e.Reason, e.Message)
	}
}
