package arm

import (
	"encoding/json"
	"errors"
	"os"
	"sort"
	"strings"
	"sync"
	"time"
)

// object is a JSON object.
type object = map[string]any

// world is the Hub's memory: everything is keyed by lower-cased id.
type world struct {
	mu          sync.Mutex
	Groups      map[string]object
	Resources   map[string]object
	Deployments map[string]*deployment
	Registered  map[string]bool
	NextIP      int
	file        string
	dirty       *time.Timer
	wg          sync.WaitGroup
}

const saveAfter = 300 * time.Millisecond

func openWorld(file string) (*world, error) {
	w := &world{
		Groups: map[string]object{}, Resources: map[string]object{}, Deployments: map[string]*deployment{},
		Registered: map[string]bool{}, NextIP: 4, file: file,
	}
	if file == "" {
		return w, nil
	}
	raw, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return w, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, w); err != nil {
		return nil, err
	}
	for _, d := range w.Deployments { // what was under way when the sandbox died has failed
		if d.State == "Running" {
			d.State, d.Error = "Failed", armError{Code: "InternalServerError", Message: "The Hub was restarted while the deployment ran."}
		}
	}
	return w, nil
}

// changed writes the snapshot soon. The caller holds mu.
func (w *world) changed() {
	if w.file != "" && w.dirty == nil {
		w.wg.Add(1)
		w.dirty = time.AfterFunc(saveAfter, func() { defer w.wg.Done(); _ = w.save() })
	}
}

func (w *world) save() error {
	w.mu.Lock()
	w.dirty = nil
	raw, err := json.Marshal(w)
	w.mu.Unlock()
	if err != nil {
		return err
	}
	tmp := w.file + ".new"
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, w.file)
}

func (w *world) close() error {
	w.mu.Lock()
	if w.dirty != nil && w.dirty.Stop() {
		w.wg.Done()
		w.dirty = nil
	}
	w.mu.Unlock()
	w.wg.Wait()
	if w.file == "" {
		return nil
	}
	return w.save()
}

// below lists resources whose id begins with prefix, in order. The caller
// holds mu.
func (w *world) below(prefix string) []object {
	prefix = strings.ToLower(prefix)
	var ids []string
	for id := range w.Resources {
		if strings.HasPrefix(id, prefix) {
			ids = append(ids, id)
		}
	}
	sort.Strings(ids)
	out := make([]object, 0, len(ids))
	for _, id := range ids {
		out = append(out, w.Resources[id])
	}
	return out
}

// ofType lists the resources of a type, in any group.
func (w *world) ofType(kind string) []object {
	var out []object
	for _, r := range w.below("") {
		if strings.EqualFold(str(r["type"]), kind) {
			out = append(out, r)
		}
	}
	return out
}

func clone(v object) object {
	raw, _ := json.Marshal(v)
	var out object
	_ = json.Unmarshal(raw, &out)
	return out
}

func str(v any) string { s, _ := v.(string); return s }

func obj(v any) object { o, _ := v.(map[string]any); return o }

func list(v any) []any { l, _ := v.([]any); return l }

// dig follows names into nested objects, regardless of case.
func dig(v any, names ...string) any {
	for _, n := range names {
		o := obj(v)
		v = nil
		for k, x := range o {
			if strings.EqualFold(k, n) {
				v = x
			}
		}
	}
	return v
}
