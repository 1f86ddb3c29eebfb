package arm

import (
	"sort"
	"strings"
)

// size is what a VM size has.
type size struct {
	cores, memoryMB, disks int
}

// sizeFamilies are the sizes of a Hub. Each line is a family: a name with a
// star for the number, the number of the smallest, and cores and memory of
// each that follows. A second name has the same sizes.
var sizeFamilies = []struct {
	names []string
	sizes map[string]size
}{
	{[]string{"Basic_A*"}, map[string]size{"0": {1, 768, 1}, "1": {1, 1792, 2}, "2": {2, 3584, 4}, "3": {4, 7168, 8}, "4": {8, 14336, 16}}},
	{[]string{"Standard_A*"}, map[string]size{"0": {1, 768, 1}, "1": {1, 1792, 2}, "2": {2, 3584, 4}, "3": {4, 7168, 8}, "4": {8, 14336, 16}, "5": {2, 14336, 4}, "6": {4, 28672, 8}, "7": {8, 57344, 16},
		"1_v2": {1, 2048, 2}, "2_v2": {2, 4096, 4}, "4_v2": {4, 8192, 8}, "8_v2": {8, 16384, 16}, "2m_v2": {2, 16384, 4}, "4m_v2": {4, 32768, 8}, "8m_v2": {8, 65536, 16}}},
	{[]string{"Standard_D*", "Standard_DS*"}, map[string]size{
		"1": {1, 3584, 4}, "2": {2, 7168, 8}, "3": {4, 14336, 16}, "4": {8, 28672, 32}, "11": {2, 14336, 8}, "12": {4, 28672, 16}, "13": {8, 57344, 32}, "14": {16, 114688, 64},
		"1_v2": {1, 3584, 4}, "2_v2": {2, 7168, 8}, "3_v2": {4, 14336, 16}, "4_v2": {8, 28672, 32}, "5_v2": {16, 57344, 64},
		"11_v2": {2, 14336, 8}, "12_v2": {4, 28672, 16}, "13_v2": {8, 57344, 32}, "14_v2": {16, 114688, 64}}},
	{[]string{"Standard_DS*_v2"}, map[string]size{"11-1": {2, 14336, 8}, "12-1": {4, 28672, 16}, "12-2": {4, 28672, 16}, "13-2": {8, 57344, 32}, "13-4": {8, 57344, 32}, "14-4": {16, 114688, 64}, "14-8": {16, 114688, 64}}},
	{[]string{"Standard_D*_v3"}, map[string]size{"2": {2, 8192, 4}, "4": {4, 16384, 8}, "8": {8, 32768, 16}, "16": {16, 65536, 32}}},
	{[]string{"Standard_E*_v3"}, map[string]size{"2": {2, 16384, 4}, "4": {4, 32768, 8}, "8": {8, 65536, 16}, "16": {16, 131072, 32}}},
	{[]string{"Standard_F*", "Standard_F*s"}, map[string]size{"1": {1, 2048, 4}, "2": {2, 4096, 8}, "4": {4, 8192, 16}, "8": {8, 16384, 32}, "16": {16, 32768, 64}}},
	{[]string{"Standard_F*s_v2"}, map[string]size{"2": {2, 4096, 4}, "4": {4, 8192, 8}, "8": {8, 16384, 16}, "16": {16, 32768, 32}, "32": {32, 65536, 32}, "64": {64, 131072, 32}}},
}

// sizeOf finds a size in any case and answers its proper name.
func sizeOf(name string) (string, size, bool) {
	for _, f := range sizeFamilies {
		for _, pattern := range f.names {
			for n, s := range f.sizes {
				if full := strings.Replace(pattern, "*", n, 1); same(full, name) {
					return full, s, true
				}
			}
		}
	}
	return name, size{}, false
}

// SizeNames are the VM sizes of a Hub, in order.
func SizeNames() []string {
	var out []string
	for _, f := range sizeFamilies {
		for _, pattern := range f.names {
			for n := range f.sizes {
				out = append(out, strings.Replace(pattern, "*", n, 1))
			}
		}
	}
	sort.Strings(out)
	return out
}

func sizeList() []object {
	var out []object
	for _, name := range SizeNames() {
		_, s, _ := sizeOf(name)
		out = append(out, object{"name": name, "numberOfCores": s.cores, "memoryInMB": s.memoryMB, "maxDataDiskCount": s.disks, "osDiskSizeInMB": 1047552, "resourceDiskSizeInMB": s.memoryMB * 2})
	}
	return out
}
