package template_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hubwright/internal/sandbox/arm/template"
)

var place = template.Place{
	SubscriptionID: "5ub", SubscriptionName: "Dev", TenantID: "7en", Group: "k8s-rg", Location: "seattle", Deployment: "k8s-rg-1",
}

// evaluate runs one expression as a variable of a small template.
func evaluate(t *testing.T, expr any) (any, error) {
	t.Helper()
	ev, err := template.New(map[string]any{
		"$schema": "x", "contentVersion": "1.0.0.0", "resources": []any{},
		"parameters": map[string]any{
			"gcHighThreshold": map[string]any{"type": "int", "defaultValue": int64(85)},
			"list":            map[string]any{"type": "array", "defaultValue": []any{"a", int64(2), true}},
			"agentCount":      map[string]any{"type": "int"},
		},
		"variables": map[string]any{
			"it": expr, "name": "[concat('k8s-', variables('suffix'))]", "suffix": "28578941",
			"cloudInitFiles": map[string]any{"provisionScript": "H4sI", "nested": map[string]any{"deep": "[parameters('agentCount')]"}},
			"circle":         "[variables('round')]", "round": "[variables('circle')]",
			"copy": []any{map[string]any{"name": "made", "count": int64(2), "input": "[concat('n', copyIndex('made', 5))]"}},
		},
	}, map[string]any{"agentcount": map[string]any{"value": int64(3)}}, place)
	if err != nil {
		return nil, err
	}
	return ev.Variable("it")
}

func TestExpressions(t *testing.T) {
	cases := []struct {
		expr string
		want any
	}{
		{"plain", "plain"},
		{"", ""},
		{"[[not an expression]", "[not an expression]"},
		{"[unclosed", "[unclosed"},
		{"['it''s']", "it's"},
		{"[ concat( 'a' , 'b' ) ]", "ab"},
		{"[CONCAT('a', 1, true())]", "a1True"},
		{"[concat(parameters('list'), createArray('z'))]", []any{"a", int64(2), true, "z"}},
		{"[parameters('gchighthreshold')]", int64(85)},
		{"[parameters('GCHIGHTHRESHOLD')]", int64(85)},
		{"[variables('NAME')]", "k8s-28578941"},
		{"[variables('cloudInitFiles').PROVISIONSCRIPT]", "H4sI"},
		{"[variables('cloudInitFiles')['nested'].deep]", int64(3)},
		{"[variables('made')[1]]", "n6"},
		{"[add(1, mul(2, sub(10, 3)))]", int64(15)},
		{"[div(7, 2)]", int64(3)},
		{"[mod(-7, 4)]", int64(-3)},
		{"[int('42')]", int64(42)},
		{"[string(parameters('list'))]", `["a",2,true]`},
		{"[string(variables('cloudInitFiles').nested)]", `{"deep":3}`},
		{"[string(false())]", "False"},
		{"[length('äb')]", int64(2)},
		{"[length(parameters('list'))]", int64(3)},
		{"[split('10.240.0.0/16', '/')[1]]", "16"},
		{"[split('a,b;c', createArray(',', ';'))]", []any{"a", "b", "c"}},
		{"[replace('10.240.255.5', '.', '-')]", "10-240-255-5"},
		{"[take('k111-long', 4)]", "k111"},
		{"[take('ab', 9)]", "ab"},
		{"[skip(parameters('list'), 2)]", []any{true}},
		{"[substring('abcdef', 2, 3)]", "cde"},
		{"[endsWith('Standard_D2S', 's')]", true},
		{"[startsWith('Standard_D2s', 'standard')]", true},
		{"[indexOf('abc', 'C')]", int64(2)},
		{"[contains('abc', 'd')]", false},
		{"[contains(parameters('list'), 2)]", true},
		{"[contains(variables('cloudInitFiles'), 'NESTED')]", true},
		{"[or(equals(1, 1), false())]", true},
		{"[and(true(), not(false()), equals('a', 'A'))]", false},
		{"[if(equals(2, 2), 'yes', variables('nowhere'))]", "yes"},
		{"[if(greater(1, 2), div(1, 0), 'no')]", "no"},
		{"[less('a', 'b')]", true},
		{"[greaterOrEquals(2, 2)]", true},
		{"[base64('a<b>')]", "YTxiPg=="},
		{"[base64ToString('YTxiPg==')]", "a<b>"},
		{"[json('{\"a\":[1]}').a[0]]", int64(1)},
		{"[toLower('ÄB')]", "äb"},
		{"[padLeft(7, 3, '0')]", "007"},
		{"[format('{0}-{1:D3}-{0}', 'x', 7)]", "x-007-x"},
		{"[first('abc')]", "a"},
		{"[last(parameters('list'))]", true},
		{"[empty('')]", true},
		{"[coalesce(null(), 'x')]", "x"},
		{"[join(createArray('a', 1), ',')]", "a,1"},
		{"[range(3, 2)]", []any{int64(3), int64(4)}},
		{"[min(3, 1, 2)]", int64(1)},
		{"[max(createArray(3, 9))]", int64(9)},
		{"[union(createObject('a', 1), createObject('b', 2)).b]", int64(2)},
		{"[subscription().subscriptionId]", "5ub"},
		{"[subscription().tenantId]", "7en"},
		{"[resourceGroup().location]", "seattle"},
		{"[resourceGroup().id]", "/subscriptions/5ub/resourceGroups/k8s-rg"},
		{"[deployment().name]", "k8s-rg-1"},
		{"[resourceId('Microsoft.Compute/virtualMachines', 'vm-0')]", "/subscriptions/5ub/resourceGroups/k8s-rg/providers/Microsoft.Compute/virtualMachines/vm-0"},
		{"[resourceId('other', 'Microsoft.Network/virtualNetworks/subnets', 'v', 's')]", "/subscriptions/5ub/resourceGroups/other/providers/Microsoft.Network/virtualNetworks/v/subnets/s"},
		{"[resourceId('s2', 'other', 'Microsoft.Network/virtualNetworks', 'v')]", "/subscriptions/s2/resourceGroups/other/providers/Microsoft.Network/virtualNetworks/v"},
		{"[guid('a', 'b')]", "f8c7b83f"},
		{"[length(uniqueString(resourceGroup().id))]", int64(13)},
	}
	for _, c := range cases {
		got, err := evaluate(t, c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		if strings.HasPrefix(c.expr, "[guid") {
			s, _ := got.(string)
			if len(s) != 36 || s[14] != '5' {
				t.Errorf("%s: %q is not a version 5 GUID", c.expr, s)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.expr, diff)
		}
	}
}

func TestExpressionErrors(t *testing.T) {
	cases := []struct{ expr, want string }{
		{"[shrink('a')]", "The template function 'shrink' is not valid."},
		{"[parameters('nowhere')]", "'nowhere' is not found"},
		{"[variables('nowhere')]", "'nowhere' is not found"},
		{"[variables('circle')]", "circular reference"},
		{"[copyIndex()]", "'copyIndex' is not expected"},
		{"[reference('x')]", "only known when"},
		{"[add('1', 2)]", "'add' expects its parameters to be integers"},
		{"[div(1, 0)]", "divide by zero"},
		{"[int('x')]", "'int' expects"},
		{"[take('a')]", "requires '2' argument(s) while '1'"},
		{"[if(1, 2, 3)]", "boolean"},
		{"[if(true())]", "requires '3'"},
		{"[parameters('list')[3]]", "out of bounds"},
		{"[variables('cloudInitFiles').missing]", "'missing' doesn't exist"},
		{"[variables('suffix').x]", "not an object"},
		{"[variables('suffix')[0]]", "can't index a string"},
		{"[concat('a'", ""},
		{"[concat('a',)]", "not expected"},
		{"[concat('a') 'b']", "not expected"},
		{"['open]", "ends too early"},
		{"[abc]", "not valid"},
		{"[]", "ends too early"},
		{"[concat('a', parameters('list'))]", "'concat' expects"},
		{"[resourceId('x')]", "requires at least '2'"},
		{"[resourceId('Microsoft.Compute/virtualMachines', 'a', 'b')]", "requires '1' resource name"},
		{"[substring('abc', 2, 5)]", "within the string"},
		{"[json('{')]", "'json' expects JSON"},
	}
	for _, c := range cases {
		_, err := evaluate(t, c.expr)
		if c.expr == "[concat('a'" { // no closing bracket: it is text
			if err != nil {
				t.Errorf("%s: %v", c.expr, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.expr, err, c.want)
		}
	}
}

func FuzzExpression(f *testing.F) {
	f.Add("[concat('a', variables('name'))]")
	f.Add("[parameters('list')[add(0,1)].x]")
	f.Add("['''']")
	f.Fuzz(func(t *testing.T, expr string) {
		evaluate(t, expr) // must neither panic nor hang
	})
}
