// Package workflows holds what Hubwright knows about the guide.
//
// At its top stand the words of the product (Stack, Site, Deployment, Helper
// VM, Cluster, Draft, Check, Plan, Run, ...) and the type Workflow. Each
// workflow lives in a folder below. Nothing here speaks HTTP, SQL or an SDK:
// a workflow's needs.go declares the small interfaces that it needs, and
// cmd/hubwright hands in the adapters.
package workflows
