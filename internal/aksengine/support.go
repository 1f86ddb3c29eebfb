package aksengine

import (
	"strings"
	"time"
)

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// SupportEnds is until when the Kubernetes project mends a minor version, for
// a version such as 1.33.10; ok is false for one that we don't know.
func SupportEnds(version string) (ends time.Time, ok bool) {
	n, ok := numbers(version)
	if !ok || n[0] != 1 {
		return time.Time{}, false
	}
	ends, ok = map[int]time.Time{
		28: day(2024, time.October, 28), 29: day(2025, time.February, 28), 30: day(2025, time.June, 28), 31: day(2025, time.November, 11),
		32: day(2026, time.February, 28), 33: day(2026, time.June, 28), 34: day(2026, time.October, 27), 35: day(2027, time.February, 28),
	}[n[1]]
	return ends, ok
}

// ImageSupport is the operating system of the engine's base image and until
// when its maker mends it; name is "" for one that we don't know.
func (e Engine) ImageSupport() (name string, ends time.Time) {
	switch {
	case strings.HasSuffix(e.BaseImage.SKU, "2204"):
		return "Ubuntu 22.04", day(2027, time.April, 30)
	case strings.HasSuffix(e.BaseImage.SKU, "2004"):
		return "Ubuntu 20.04", day(2025, time.May, 31)
	}
	return "", time.Time{}
}
