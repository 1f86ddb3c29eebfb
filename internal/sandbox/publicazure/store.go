package publicazure

import (
	"encoding/json"
	"errors"
	"os"
	"sort"
	"strings"
	"sync"
)

// Store keeps the documents of resources by id, in any case, and writes them
// down at each change. It may be used from any goroutine.
type Store struct {
	mu   sync.Mutex
	file string
	docs map[string]json.RawMessage // by lower-cased id
}

func openStore(file string) (*Store, error) {
	s := &Store{file: file, docs: map[string]json.RawMessage{}}
	if file == "" {
		return s, nil
	}
	raw, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	return s, json.Unmarshal(raw, &s.docs)
}

// Get reads the document with an id into v, and says whether there is one.
func (s *Store) Get(id string, v any) bool {
	s.mu.Lock()
	raw, ok := s.docs[strings.ToLower(id)]
	s.mu.Unlock()
	return ok && json.Unmarshal(raw, v) == nil
}

// Put keeps a document.
func (s *Store) Put(id string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.docs[strings.ToLower(id)] = raw
	return s.save()
}

// Drop forgets a document and what is below its id, and says whether there was
// any.
func (s *Store) Drop(id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id = strings.ToLower(id)
	found := false
	for k := range s.docs {
		if k == id || strings.HasPrefix(k, id+"/") {
			delete(s.docs, k)
			found = true
		}
	}
	if !found {
		return false, nil
	}
	return true, s.save()
}

// Below lists the ids, in lower case and in order, that begin with a prefix.
func (s *Store) Below(prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	prefix = strings.ToLower(prefix)
	var out []string
	for k := range s.docs {
		if strings.HasPrefix(k, prefix) {
			out = append(out, k)
		}
	}
	sort.Strings(out)
	return out
}

// save writes the snapshot. The caller holds mu.
func (s *Store) save() error {
	if s.file == "" {
		return nil
	}
	raw, err := json.Marshal(s.docs)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.file+".new", raw, 0o600); err != nil {
		return err
	}
	return os.Rename(s.file+".new", s.file)
}
