package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/monitor/query/azlogs"
	oi "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/operationalinsights/armoperationalinsights/v2"
	om "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/operationsmanagement/armoperationsmanagement"

	w "hubwright/workflows"
)

// Workspace is a Log Analytics workspace.
type Workspace struct {
	ID         string // the resource's
	Group      string
	Name       string
	Location   string
	CustomerID string  // what agents and queries call the workspace ID
	Retention  int     // days; 0 leaves it as it is
	DailyCapGB float64 // -1: none
	KeysOff    bool    // agents may not log in by key
}

// What EnsureWorkspace did.
const (
	WorkspaceSame    = "same"
	WorkspaceMade    = "made"
	WorkspaceChanged = "changed"
)

// Workspaces are the subscription's.
func (c *Cloud) Workspaces(ctx context.Context) ([]Workspace, error) {
	var out []Workspace
	err := c.call(ctx, "Listing the workspaces", func(ctx context.Context) error {
		client, err := oi.NewWorkspacesClient(c.conn.SubscriptionID, c.cred, c.options)
		if err != nil {
			return err
		}
		for pager := client.NewListPager(nil); pager.More(); {
			page, err := pager.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, one := range page.Value {
				out = append(out, fromWorkspace(one))
			}
		}
		return nil
	})
	return out, err
}

func fromWorkspace(one *oi.Workspace) Workspace {
	ws := Workspace{ID: val(one.ID), Name: val(one.Name), Location: val(one.Location), DailyCapGB: -1}
	if seg := strings.Split(ws.ID, "/"); len(seg) > 4 {
		ws.Group = seg[4]
	}
	if p := one.Properties; p != nil {
		ws.CustomerID, ws.Retention = val(p.CustomerID), int(val(p.RetentionInDays))
		if p.WorkspaceCapping != nil && p.WorkspaceCapping.DailyQuotaGb != nil {
			ws.DailyCapGB = *p.WorkspaceCapping.DailyQuotaGb
		}
		ws.KeysOff = p.Features != nil && val(p.Features.DisableLocalAuth)
	}
	return ws
}

// EnsureWorkspace makes a workspace and its resource group where they are
// missing, and brings retention and cap of one that is there to what spec says.
// Everything else of it stays. what is one of the constants above.
func (c *Cloud) EnsureWorkspace(ctx context.Context, spec Workspace) (ws Workspace, what string, err error) {
	if _, err := c.EnsureResourceGroup(ctx, spec.Group, spec.Location); err != nil {
		return ws, "", err
	}
	err = c.call(ctx, "Making the workspace "+spec.Name, func(ctx context.Context) error {
		client, err := oi.NewWorkspacesClient(c.conn.SubscriptionID, c.cred, c.options)
		if err != nil {
			return err
		}
		got, err := client.Get(ctx, spec.Group, spec.Name, nil)
		what = WorkspaceChanged
		switch {
		case notFound(err):
			what = WorkspaceMade
			got.Workspace = oi.Workspace{Location: &spec.Location, Properties: &oi.WorkspaceProperties{SKU: &oi.WorkspaceSKU{Name: ptr(oi.WorkspaceSKUNameEnumPerGB2018)}}}
		case err != nil:
			return err
		case !strings.EqualFold(val(got.Location), spec.Location):
			return &w.Problem{Code: "azure.location", What: "The workspace " + spec.Name + " is in another location", Why: "It is in " + val(got.Location) + ", and workspaces do not move.", Fix: "Choose that location, or another name."}
		case ready(got.Workspace) && settled(fromWorkspace(&got.Workspace), spec):
			ws, what = fromWorkspace(&got.Workspace), WorkspaceSame
			return nil
		}
		ws, err = put(ctx, client, spec, got.Workspace)
		return err
	})
	return ws, what, nameTaken(err, spec.Name)
}

// patient is how often a long-running operation is asked for that does not say
// how often.
var patient = &runtime.PollUntilDoneOptions{Frequency: 5 * time.Second}

func ready(one oi.Workspace) bool {
	return one.Properties != nil && val(one.Properties.ProvisioningState) == oi.WorkspaceEntityStatusSucceeded
}

func settled(have, want Workspace) bool {
	return have.Retention == want.Retention && (have.DailyCapGB == want.DailyCapGB || have.DailyCapGB <= 0 && want.DailyCapGB <= 0)
}

// put sends a workspace with what is asked for, and waits until it is made.
func put(ctx context.Context, client *oi.WorkspacesClient, spec Workspace, body oi.Workspace) (Workspace, error) {
	if body.Properties == nil {
		body.Properties = &oi.WorkspaceProperties{}
	}
	body.Properties.RetentionInDays = ptr(int32(spec.Retention))
	body.Properties.WorkspaceCapping = &oi.WorkspaceCapping{DailyQuotaGb: ptr(spec.DailyCapGB)}
	poller, err := client.BeginCreateOrUpdate(ctx, spec.Group, spec.Name, body, nil)
	if err != nil {
		return Workspace{}, err
	}
	if _, err := poller.PollUntilDone(ctx, patient); err != nil {
		return Workspace{}, err
	}
	made, err := client.Get(ctx, spec.Group, spec.Name, nil)
	return fromWorkspace(&made.Workspace), err
}

func nameTaken(err error, name string) error {
	var p *w.Problem
	if errors.As(err, &p) && strings.HasSuffix(p.Code, "NameUnavailable") {
		p.What, p.Fix = "The workspace name "+name+" is taken", "Choose another name. The name of a workspace that was deleted is free after 14 days; until then it can be had back in its own resource group."
	}
	return err
}

// EnsureSolution makes the solution ContainerInsights of a workspace, without
// which Azure shows nothing of clusters, unless it is there.
func (c *Cloud) EnsureSolution(ctx context.Context, ws Workspace) (made bool, err error) {
	name := "ContainerInsights(" + ws.Name + ")"
	err = c.call(ctx, "Making the solution "+name, func(ctx context.Context) error {
		client, err := om.NewSolutionsClient(c.conn.SubscriptionID, c.cred, c.options)
		if err != nil {
			return err
		}
		got, err := client.Get(ctx, ws.Group, name, nil)
		if err == nil && got.Properties != nil && val(got.Properties.ProvisioningState) == "Succeeded" {
			return nil
		}
		if err != nil && !notFound(err) {
			return err
		}
		made = true
		poller, err := client.BeginCreateOrUpdate(ctx, ws.Group, name, om.Solution{
			Location:   &ws.Location,
			Plan:       &om.SolutionPlan{Name: &name, Product: ptr("OMSGallery/ContainerInsights"), PromotionCode: ptr(""), Publisher: ptr("Microsoft")},
			Properties: &om.SolutionProperties{WorkspaceResourceID: &ws.ID},
		}, nil)
		if err != nil {
			return err
		}
		_, err = poller.PollUntilDone(ctx, patient)
		return err
	})
	return made && err == nil, err
}

// WorkspaceKey is the primary key that agents log in with.
func (c *Cloud) WorkspaceKey(ctx context.Context, ws Workspace) (key string, err error) {
	err = c.call(ctx, "Reading the key of the workspace "+ws.Name, func(ctx context.Context) error {
		client, err := oi.NewSharedKeysClient(c.conn.SubscriptionID, c.cred, c.options)
		if err != nil {
			return err
		}
		got, err := client.GetSharedKeys(ctx, ws.Group, ws.Name, nil)
		key = val(got.PrimarySharedKey)
		return err
	})
	return key, err
}

// Query asks a workspace. Each row is its columns by name. A table that never
// had a row does not exist yet: that is workflows.ErrNotFound.
func (c *Cloud) Query(ctx context.Context, customerID, query string) ([]map[string]string, error) {
	var rows []map[string]string
	missing := false
	err := c.call(ctx, "Asking the workspace", func(ctx context.Context) error {
		client, err := azlogs.NewClient(c.cred, &azlogs.ClientOptions{ClientOptions: c.queryOptions()})
		if err != nil {
			return err
		}
		got, err := client.QueryWorkspace(ctx, customerID, azlogs.QueryBody{Query: &query}, nil)
		if noTable(err) {
			missing = true
			return nil
		}
		if err != nil {
			return err
		}
		if got.Error != nil {
			return got.Error
		}
		for _, t := range got.Tables {
			rows = append(rows, rowsOf(t)...)
		}
		return nil
	})
	if missing {
		return nil, w.ErrNotFound
	}
	return rows, err
}

// queryOptions are the Connection's, for the query API of its cloud.
func (c *Cloud) queryOptions() azcore.ClientOptions {
	at := "https://api.loganalytics.io"
	switch host := hostOf(c.conn.Endpoint); {
	case strings.HasSuffix(host, ".usgovcloudapi.net"):
		at = "https://api.loganalytics.us"
	case strings.HasSuffix(host, ".chinacloudapi.cn"):
		at = "https://api.loganalytics.azure.cn"
	}
	o := c.options.ClientOptions
	o.Cloud.Services = map[cloud.ServiceName]cloud.ServiceConfiguration{azlogs.ServiceName: {Endpoint: at, Audience: at}}
	return o
}

// noTable says whether Azure refused a query because of a name in it.
func noTable(err error) bool {
	var e *azcore.ResponseError
	if !errors.As(err, &e) || e.StatusCode != http.StatusBadRequest || e.RawResponse == nil {
		return false
	}
	body, err := runtime.Payload(e.RawResponse)
	return err == nil && bytes.Contains(body, []byte("SemanticError")) && bytes.Contains(body, []byte("Failed to resolve"))
}

func rowsOf(t azlogs.Table) []map[string]string {
	var out []map[string]string
	for _, r := range t.Rows {
		row := map[string]string{}
		for i, v := range r {
			if i >= len(t.Columns) || v == nil {
				continue
			}
			text, ok := v.(string)
			if !ok {
				raw, err := json.Marshal(v)
				if err != nil {
					continue
				}
				text = string(raw)
			}
			row[val(t.Columns[i].Name)] = text
		}
		out = append(out, row)
	}
	return out
}

func ptr[T any](v T) *T { return &v }
