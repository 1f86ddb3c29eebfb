package live

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
)

// Part is a piece of a page: what it is called and how it looks now, as a key.
type Part struct{ ID, Key string }

// Feed remembers how the parts of a page looked, so that each watcher gets
// what changed since it looked last, and nothing else. It is not safe for
// concurrent use.
type Feed struct {
	editions []edition // the newest last
}

type edition struct {
	version string
	parts   []Part
}

// kept is how many editions a watcher may be behind before it gets the whole.
const kept = 32

// Version names how the parts look. The same look has the same name, also in
// another process.
func Version(parts []Part) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p.ID + "\x00" + p.Key + "\x00"))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:9])
}

// Put tells how the parts look now, and says whether that is another look.
func (f *Feed) Put(parts []Part) (version string, changed bool) {
	version = Version(parts)
	if version == f.Newest() {
		return version, false
	}
	f.editions = append(f.editions, edition{version, parts})
	if len(f.editions) > kept {
		f.editions = slices.Delete(f.editions, 0, len(f.editions)-kept)
	}
	return version, true
}

// Newest is the version of the newest look, "" before the first.
func (f *Feed) Newest() string {
	if len(f.editions) == 0 {
		return ""
	}
	return f.editions[len(f.editions)-1].version
}

// Since are the ids of the parts that look different now than they did in that
// version. It is whole when that cannot be told, or when other parts are there
// now.
func (f *Feed) Since(version string) (ids []string, whole bool) {
	if len(f.editions) == 0 {
		return nil, true
	}
	newest := f.editions[len(f.editions)-1]
	// The same look may come twice: any of them will do.
	at := slices.IndexFunc(f.editions, func(e edition) bool { return e.version == version })
	if at < 0 || len(f.editions[at].parts) != len(newest.parts) {
		return nil, true
	}
	for i, p := range newest.parts {
		old := f.editions[at].parts[i]
		if old.ID != p.ID {
			return nil, true
		}
		if old.Key != p.Key {
			ids = append(ids, p.ID)
		}
	}
	return ids, false
}
