package devops

// location is where a kind of resource is, as OPTIONS tells it.
type location struct {
	ID              string `json:"id"`
	Area            string `json:"area"`
	ResourceName    string `json:"resourceName"`
	RouteTemplate   string `json:"routeTemplate"`
	ResourceVersion int    `json:"resourceVersion"`
	MinVersion      string `json:"minVersion"`
	MaxVersion      string `json:"maxVersion"`
	ReleasedVersion string `json:"releasedVersion"`
}

func locations() []location {
	var out []location
	for _, l := range []location{
		{"e81700f7-3be2-46de-8624-2eb35882fcaa", "Location", "ResourceAreas", "_apis/{resource}/{areaId}", 1, "", "", ""},
		{"603fe2ac-9723-48b9-88ad-09305aa6c6e1", "core", "projects", "_apis/{resource}/{*projectId}", 4, "", "", ""},
		{"14e48fdc-2c8b-41ce-a0c3-e26f6cc55bd0", "serviceendpoint", "endpoints", "_apis/{area}/{resource}/{endpointId}", 4, "", "", ""},
		{"e85f1c62-adfc-4b74-b618-11a150fb195e", "serviceendpoint", "endpoints", "{project}/_apis/{area}/{resource}/{endpointId}", 4, "", "", ""},
		{"cc63bb57-2a5f-4a7a-b79c-c142d308657e", "serviceendpoint", "endpointproxy", "{project}/_apis/{area}/{resource}", 1, "", "", ""},
		{"b5b9a4a4-e6cd-4096-853c-ab7d8b0c4eb2", "pipelinePermissions", "pipelinePermissions", "{project}/_apis/pipelines/{resource}/{resourceType}/{resourceId}", 1, "", "", ""},
		{"a8c47e17-4d56-4a56-92bb-de7ea7dc65be", "distributedtask", "pools", "_apis/{area}/{resource}/{poolId}", 1, "", "", ""},
		{"900fa995-c559-4923-aae7-f8424fe4fbea", "distributedtask", "queues", "{project}/_apis/{area}/{resource}/{queueId}", 1, "", "", ""},
		{"e298ef32-5878-4cab-993c-043836571f42", "distributedtask", "agents", "_apis/{area}/pools/{poolId}/{resource}/{agentId}", 1, "", "", ""},
	} {
		l.MinVersion, l.MaxVersion, l.ReleasedVersion = "1.0", "7.2", "7.1"
		out = append(out, l)
	}
	return out
}

type area struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	LocationURL string `json:"locationUrl"`
}

// areas are named by the service; a server on premises names none.
func (s *Server) areas() []area {
	if s.cfg.OnPremises {
		return nil
	}
	at := "https://" + s.cfg.Host + "/" + s.cfg.Organization + "/"
	return []area{
		{"79134c72-4a58-4b42-976c-04e7115f32bf", "core", at}, {"1814ab31-2f4f-4a9f-8761-f4d77dc5a5d7", "serviceendpoint", at},
		{"a85b8835-c1a1-4aac-ae97-1c3d0ba72dbd", "distributedtask", at}, {"a81a0441-de52-4000-aa15-ff0e07bfbbaa", "pipelinePermissions", at},
	}
}
