package arm

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
)

var accountFormat = regexp.MustCompile(`^[a-z0-9]{3,24}$`)

func checkAccount(h *Hub, a address, body, old object) armError {
	switch {
	case !accountFormat.MatchString(a.name):
		return bad("AccountNameInvalid", "%s is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only.", a.name)
	case str(dig(body, "sku", "name")) == "":
		return bad("AccountPropertyIsInvalid", "Account property sku.name is invalid for the request.")
	case old == nil && h.accountTaken(a.name):
		return conflict("StorageAccountAlreadyTaken", "The storage account named %s is already taken.", a.name)
	}
	return armError{}
}

func (h *Hub) accountTaken(name string) bool {
	for _, acc := range h.world.ofType(typeAccount) {
		if same(str(acc["name"]), name) {
			return true
		}
	}
	return false
}

func fillAccount(h *Hub, a address, res, _ object) {
	p, ends := props(res), object{}
	for _, s := range []string{"blob", "queue", "table"} {
		ends[s] = "https://" + a.name + "." + s + "." + h.cfg.Region + "." + h.cfg.Domain + "/"
	}
	p["primaryEndpoints"], p["primaryLocation"], p["statusOfPrimary"] = ends, h.cfg.Region, "available"
}

// accountKeys are made from the name: nothing is stored behind them.
func accountKeys(name string) object {
	keys := []object{}
	for _, k := range []string{"key1", "key2"} {
		keys = append(keys, object{"keyName": k, "permissions": "Full", "value": base64.StdEncoding.EncodeToString([]byte(strings.Repeat(digest(name+k), 1)))})
	}
	return object{"keys": keys}
}

// accountName answers whether a storage account's name is free.
func (h *Hub) accountName(r *request) reply {
	if r.Method != http.MethodPost {
		return refuse(notAllowed(r.Method, "Microsoft.Storage/checkNameAvailability"))
	}
	name := str(r.body["name"])
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	switch {
	case !accountFormat.MatchString(name):
		return answer(http.StatusOK, object{"nameAvailable": false, "reason": "AccountNameInvalid", "message": name + " is not a valid storage account name."})
	case h.accountTaken(name):
		return answer(http.StatusOK, object{"nameAvailable": false, "reason": "AlreadyExists", "message": "The storage account named " + name + " is already taken."})
	}
	return answer(http.StatusOK, object{"nameAvailable": true})
}
