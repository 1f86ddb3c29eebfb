package arm

import (
	"net/http"
	"slices"
	"sort"
	"strings"

	"hubwright/internal/sandbox/faults"
)

// usualItems is what the operator of the Hub has downloaded: paths below
// publishers/.
var usualItems = []string{
	"Canonical/artifacttypes/vmimage/offers/0001-com-ubuntu-server-jammy/skus/22_04-lts/versions/22.04.202605120",
	"microsoft-aks/artifacttypes/vmimage/offers/aks/skus/aks-engine-azurestack-ubuntu-2204/versions/2025.337.1",
	"microsoft-aks/artifacttypes/vmimage/offers/aks/skus/aks-engine-azurestack-ubuntu-2204/versions/2026.139.1",
	"Microsoft.Azure.Extensions/artifacttypes/vmextension/types/CustomScript/versions/2.0.6",
}

// itemsLeft are the items that no fault has taken away.
func (h *Hub) itemsLeft() []string {
	var out []string
	for _, item := range h.cfg.Items {
		p := strings.Split(item, "/")
		name := p[0]
		for i := 4; i < len(p); i += 2 {
			name += ":" + p[i]
		}
		effect, _, hit := h.cfg.Faults.Strike(faults.Event{At: faults.AtArtifact, Stamp: h.cfg.Region, Name: name})
		if !hit || !effect.Missing {
			out = append(out, item)
		}
	}
	return out
}

// nextParts lists what follows a path of the marketplace, in order.
func (h *Hub) nextParts(path ...string) []string {
	prefix := strings.Join(path, "/")
	if prefix != "" {
		prefix += "/"
	}
	var out []string
	for _, item := range h.itemsLeft() {
		if len(item) > len(prefix) && same(item[:len(prefix)], prefix) {
			next, _, _ := strings.Cut(item[len(prefix):], "/")
			if !slices.Contains(out, next) {
				out = append(out, next)
			}
		}
	}
	sort.Strings(out)
	return out
}

func (h *Hub) imageVersions(publisher, offer, sku string) []string {
	return h.nextParts(publisher, "artifacttypes", "vmimage", "offers", offer, "skus", sku, "versions")
}

func (h *Hub) extensionVersions(publisher, kind string) []string {
	return h.nextParts(publisher, "artifacttypes", "vmextension", "types", kind, "versions")
}

func (h *Hub) exactVersion(ref object) string {
	if v := str(dig(ref, "version")); v != "latest" {
		return v
	}
	all := h.imageVersions(str(dig(ref, "publisher")), str(dig(ref, "offer")), str(dig(ref, "sku")))
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// marketplace lists what follows a path below publishers, as a bare array, or
// answers one version.
func (h *Hub) marketplace(path []string) reply {
	id := h.subID() + "/Providers/Microsoft.Compute/Locations/" + h.cfg.Region + "/Publishers"
	for i, p := range path {
		if i%2 == 1 && p != "" {
			p = strings.ToUpper(p[:1]) + p[1:]
		}
		id += "/" + p
	}
	full := strings.Join(path, "/")
	isVersion := slices.ContainsFunc(h.itemsLeft(), func(item string) bool { return same(item, full) })
	if isVersion {
		doc := object{"id": id, "name": path[len(path)-1], "location": h.cfg.Region}
		if strings.Contains(lower(full), "/vmimage/") {
			doc["properties"] = object{"osDiskImage": object{"operatingSystem": "Linux"}, "dataDiskImages": []any{}, "hyperVGeneration": "V1"}
		} else {
			doc["properties"] = object{"operatingSystem": "Linux", "computeRole": "IaaS", "vmScaleSetEnabled": false, "supportsMultipleExtensions": false}
		}
		return answer(http.StatusOK, doc)
	}
	names := h.nextParts(path...)
	if len(path) > 0 && len(path)%2 == 1 && len(path) != 1 || len(names) == 0 && !(len(path) == 2) {
		return refuse(missingItem(full))
	}
	out := []object{}
	for _, n := range names {
		out = append(out, object{"id": id + "/" + n, "name": n, "location": h.cfg.Region})
	}
	return answer(http.StatusOK, out)
}

func missingItem(path string) armError {
	what := "VMImage"
	switch {
	case strings.Contains(lower(path), "/vmextension"):
		what = "VMExtension"
	case !strings.Contains(path, "/"):
		what = "Publisher"
	}
	return notFound("NotFound", "Artifact: %s was not found.", what)
}
