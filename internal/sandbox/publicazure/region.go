package publicazure

import "strings"

// Region is a place of public Azure.
type Region struct {
	Name, Title string
	// Lat and Lon say where it is, in degrees, for who is nearest to whom.
	Lat, Lon float64
}

// Regions are some of public Azure's places.
func Regions() []Region {
	return []Region{
		{"westus2", "West US 2", 47.2, -119.9}, {"westus", "West US", 37.8, -122.4}, {"centralus", "Central US", 41.6, -93.6},
		{"eastus", "East US", 37.4, -79.8}, {"eastus2", "East US 2", 36.7, -78.4}, {"southcentralus", "South Central US", 29.4, -98.5},
		{"northeurope", "North Europe", 53.3, -6.3}, {"westeurope", "West Europe", 52.4, 4.9}, {"germanywestcentral", "Germany West Central", 50.1, 8.7},
		{"uksouth", "UK South", 51.5, -0.1}, {"brazilsouth", "Brazil South", -23.5, -46.6}, {"southeastasia", "Southeast Asia", 1.3, 103.8},
		{"japaneast", "Japan East", 35.7, 139.8}, {"australiaeast", "Australia East", -33.9, 151.2},
	}
}

// RegionNamed finds a region by name or title.
func RegionNamed(s string) (Region, bool) {
	for _, r := range Regions() {
		if strings.EqualFold(r.Name, strings.ReplaceAll(s, " ", "")) {
			return r, true
		}
	}
	return Region{}, false
}

// KnownRegion says whether there is a region of that name or title.
func KnownRegion(s string) bool { _, ok := RegionNamed(s); return ok }
