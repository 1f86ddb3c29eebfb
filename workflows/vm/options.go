package vm

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	w "hubwright/workflows"
)

// A page waits for the Hub only so long; then it opens without an answer.
const askTimeout = 8 * time.Second

// leastMemory is what a machine needs on which anything of ours runs.
const leastMemory = 1700 // MB

// SizeOptions are the Hub's sizes, the smallest first. tooSmall says why those
// with little memory cannot be chosen.
func SizeOptions(ctx context.Context, open func(context.Context) (Hub, error), tooSmall string) ([]w.Option, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	hub, err := open(ctx)
	if err != nil {
		return nil, err
	}
	sizes, err := hub.Sizes(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(sizes, func(a, b w.VMSize) int {
		if c := a.Cores - b.Cores; c != 0 {
			return c
		}
		if c := a.MemoryMB - b.MemoryMB; c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	var out []w.Option
	for _, z := range sizes {
		o := w.Option{Value: z.Name, Label: fmt.Sprintf("%s: %s, %.4g GiB", z.Name, cores(z.Cores), float64(z.MemoryMB)/1024)}
		if z.MemoryMB < leastMemory {
			o.Disabled, o.Note = true, tooSmall
		}
		out = append(out, o)
	}
	return out, nil
}

// ImageOptions are the newest version of each Ubuntu server image.
func ImageOptions(ctx context.Context, open func(context.Context) (Hub, error)) ([]w.Option, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	hub, err := open(ctx)
	if err != nil {
		return nil, err
	}
	images, err := hub.Images(ctx, Ubuntu)
	if err != nil {
		return nil, err
	}
	if len(images) == 0 {
		return nil, &w.Problem{Code: "helper.image", What: "The Hub's marketplace has no Ubuntu image",
			Why: "The publisher Canonical has nothing there.", Fix: "Ask the Hub's operator to download Ubuntu Server 22.04 LTS, or take an existing Linux host."}
	}
	newest := map[string]w.ImageRef{}
	var order []string
	for _, i := range images {
		sku := i.Offer + ":" + i.SKU
		if _, seen := newest[sku]; !seen {
			order = append(order, sku)
		}
		newest[sku] = i
	}
	slices.Reverse(order) // the newest offers last in ARM's list
	var out []w.Option
	for _, sku := range order {
		i := newest[sku]
		always := i
		always.Version = "latest"
		out = append(out, w.Option{Value: always.URN(), Label: fmt.Sprintf("%s %s, newest (%s)", i.Offer, i.SKU, i.Version)})
	}
	return out, nil
}

func cores(n int) string {
	if n == 1 {
		return "1 core"
	}
	return fmt.Sprintf("%d cores", n)
}
