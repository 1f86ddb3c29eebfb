package aksengine

import "encoding/json"

// PrincipalOf is the client id of the service principal that the cluster's
// nodes work with, "" when the API model does not tell.
func PrincipalOf(doc []byte) string {
	m, err := decode(doc)
	if err != nil {
		return ""
	}
	id, _ := principalOf(m)["clientId"].(string)
	return id
}

func principalOf(m map[string]any) map[string]any {
	properties, _ := m["properties"].(map[string]any)
	principal, _ := properties["servicePrincipalProfile"].(map[string]any)
	return principal
}

// WithPrincipal is the API model with another service principal's id and
// secret, and whether it had others. A model that has no secret of its own, as
// it is given on the command line each time, keeps having none.
func WithPrincipal(doc []byte, clientID, secret string) (out []byte, changed bool, err error) {
	m, err := decode(doc)
	if err != nil {
		return nil, false, err
	}
	principal := principalOf(m)
	if had, _ := principal["secret"].(string); had == "" || principal["clientId"] == clientID && had == secret {
		return doc, false, nil
	}
	principal["clientId"], principal["secret"] = clientID, secret
	out, err = json.MarshalIndent(m, "", "  ")
	return out, true, err
}

// CloudConfig is where a node keeps how its kubelet and the cloud controller
// manager speak to the Hub.
const CloudConfig = "/etc/kubernetes/azure.json"

// WithCloudSecret is a node's CloudConfig with another service principal's id
// and secret, and whether it had others.
func WithCloudSecret(doc []byte, clientID, secret string) (out []byte, changed bool, err error) {
	m, err := decode(doc)
	if err != nil {
		return nil, false, err
	}
	if m["aadClientId"] == clientID && m["aadClientSecret"] == secret {
		return doc, false, nil
	}
	m["aadClientId"], m["aadClientSecret"] = clientID, secret
	out, err = json.MarshalIndent(m, "", "    ")
	return out, true, err
}
