package live

import (
	"fmt"
	"slices"
	"testing"
)

func TestFeedTellsWhatChanged(t *testing.T) {
	var f Feed
	if _, whole := f.Since("x"); !whole || f.Newest() != "" {
		t.Error("an empty feed knows something")
	}
	first, changed := f.Put([]Part{{"a", "1"}, {"b", "1"}, {"c", "1"}})
	if again, more := f.Put([]Part{{"a", "1"}, {"b", "1"}, {"c", "1"}}); !changed || more || again != first || f.Newest() != first {
		t.Error("the same look is another version")
	}
	second, _ := f.Put([]Part{{"a", "1"}, {"b", "2"}, {"c", "1"}})
	f.Put([]Part{{"a", "1"}, {"b", "2"}, {"c", "2"}})
	since := func(version string, want ...string) {
		t.Helper()
		if ids, whole := f.Since(version); whole || !slices.Equal(ids, want) {
			t.Errorf("since %s: %v, whole %v; want %v", version, ids, whole, want)
		}
	}
	since(first, "b", "c")
	since(second, "c")
	since(f.Newest())
	f.Put([]Part{{"a", "1"}, {"b", "1"}, {"c", "1"}}) // as it was at first
	since(first)
	since(second, "b")
	for name, parts := range map[string][]Part{"one more": {{"a", "1"}, {"b", "1"}, {"c", "1"}, {"d", "1"}}, "another order": {{"b", "1"}, {"a", "1"}, {"c", "1"}}} {
		f.Put(parts)
		if _, whole := f.Since(first); !whole {
			t.Errorf("%s: not the whole", name)
		}
	}
	for i := range 3 * kept {
		f.Put([]Part{{"a", fmt.Sprint(i)}})
	}
	if _, whole := f.Since(second); !whole || len(f.editions) != kept {
		t.Errorf("%d editions are kept", len(f.editions))
	}
}
