package standin

import (
	"fmt"
	"hash/fnv"
	"math/rand"
)

// suffixOf is the eight digits that all names of a cluster have in common. They follow from its DNS prefix alone.
func suffixOf(dnsPrefix string) string {
	h := fnv.New64a()
	h.Write([]byte(dnsPrefix))
	r := rand.New(rand.NewSource(int64(h.Sum64())))
	return fmt.Sprintf("%08d", r.Uint32())[:8]
}

func (j *job) suffix() string { return suffixOf(j.props.MasterProfile.DNSPrefix) }
