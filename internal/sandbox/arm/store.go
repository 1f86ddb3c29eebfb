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

// world is the Hub's memory: everything is keyed by lower-cased id.
type world struct {
	mu          sync.Mutex
	Groups      map[string]object
	Resources   map[string]object
	Hidden      map[string]*hidden // of Resources
	Deployments map[string]*deployment
	Operations  map[string]*operation
	Registered  map[string]bool
	Clusters    map[string]string // digest of the CA that a cluster's nodes know, by group/suffix
	file        string
	dirty       *time.Timer
	saving      sync.Mutex // held around mu
	wg          sync.WaitGroup
}

// hidden is what a resource knows and ARM doesn't tell.
type hidden struct {
	Asked  string // digest of what was asked for
	Custom string // digest of a VM's custom data
	Power  string // of a VM: running, stopped, deallocated; "" while it is not up
	Joined bool   // a node whose set-up script has succeeded
	Same   bool   // the last PUT asked for what is there
}

const saveAfter = 300 * time.Millisecond

func openWorld(file string) (*world, error) {
	w := &world{
		Groups: map[string]object{}, Resources: map[string]object{}, Hidden: map[string]*hidden{}, Deployments: map[string]*deployment{},
		Operations: map[string]*operation{}, Registered: map[string]bool{}, Clusters: map[string]string{}, file: file,
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
	return w, json.Unmarshal(raw, w)
}

// changed writes the snapshot soon. The caller holds mu.
func (w *world) changed() {
	if w.file != "" && w.dirty == nil {
		w.wg.Add(1)
		w.dirty = time.AfterFunc(saveAfter, func() { defer w.wg.Done(); _ = w.save() })
	}
}

// flush writes the snapshot now if something has changed.
func (w *world) flush() {
	w.mu.Lock()
	dirty := w.dirty != nil
	w.mu.Unlock()
	if dirty {
		_ = w.save()
	}
}

func (w *world) save() error {
	w.saving.Lock()
	defer w.saving.Unlock()
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

// get is a resource by id in any case, nil when there is none. The caller
// holds mu, here and below.
func (w *world) get(id string) object { return w.Resources[lower(id)] }

// secret is what a resource doesn't tell; never nil.
func (w *world) secret(id string) *hidden {
	s := w.Hidden[lower(id)]
	if s == nil {
		s = &hidden{}
		w.Hidden[lower(id)] = s
	}
	return s
}

func (w *world) put(id string, res object) {
	w.Resources[lower(id)] = res
	w.changed()
}

func (w *world) drop(id string) {
	delete(w.Resources, lower(id))
	delete(w.Hidden, lower(id))
	w.changed()
}

// below lists resources whose id begins with prefix, in order.
func (w *world) below(prefix string) []object {
	prefix = lower(prefix)
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
		if same(str(r["type"]), kind) {
			out = append(out, r)
		}
	}
	return out
}
