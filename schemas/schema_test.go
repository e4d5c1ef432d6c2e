package schemas_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/schemas"
)

// node is a JSON Schema as its file has it.
type node = map[string]any

func readSchema(t testing.TB, name string) node {
	t.Helper()
	raw, err := schemas.File(name)
	if err != nil {
		t.Fatal(err)
	}
	n, ok := jsonValue(t, raw).(node)
	if !ok {
		t.Fatalf("%s is not an object", name)
	}
	return n
}

// keywords is the closed set of keywords the schemas use. Not among them, on
// purpose: what hides the place of a violation (anyOf, oneOf, not) and what lets
// a name that the sender made up into a pointer (patternProperties,
// propertyNames, unevaluatedProperties).
var keywords = strings.Fields(`$schema $id $ref $defs title description type enum const format pattern maxLength
	minimum maximum items minItems maxItems uniqueItems properties required additionalProperties minProperties
	dependentRequired allOf if then else`)

// rule is a schema that only narrows another one: in allOf, if, then and else.
func walk(n node, at string, rule bool, visit func(n node, at string, rule bool)) {
	visit(n, at, rule)
	sub := func(v any, at string, rule bool) {
		if child, ok := v.(node); ok {
			walk(child, at, rule, visit)
		}
	}
	for _, k := range []string{"$defs", "properties"} {
		children, _ := n[k].(node)
		for _, name := range slices.Sorted(maps.Keys(children)) {
			sub(children[name], at+"/"+k+"/"+name, rule)
		}
	}
	sub(n["items"], at+"/items", rule)
	for _, k := range []string{"if", "then", "else"} {
		sub(n[k], at+"/"+k, true)
	}
	rules, _ := n["allOf"].([]any)
	for _, r := range rules {
		sub(r, at+"/allOf", true)
	}
}

// TestEverythingIsLimited: every object is closed, every string, array and
// number limited (promise P7 and bounded memory).
func TestEverythingIsLimited(t *testing.T) {
	for _, name := range schemas.Names() {
		walk(readSchema(t, name), name, false, func(n node, at string, rule bool) {
			for k := range n {
				if !slices.Contains(keywords, k) {
					t.Errorf("%s: keyword %q is not one the schemas use", at, k)
				}
			}
			if bad := unlimited(n, at, rule); bad != "" {
				t.Errorf("%s %s", at, bad)
			}
		})
	}
}

// replacement is the one open object: the schema of its kind closes it, which
// TestReplacementsFitTheirKind tests.
const replacement = "event.corrected.v1/properties/data"

func has(n node, keys ...string) bool {
	return !slices.ContainsFunc(keys, func(k string) bool { _, ok := n[k]; return !ok })
}

// unlimited says what a schema leaves open; "" for nothing.
func unlimited(n node, at string, rule bool) string {
	switch n["type"] {
	case "object":
		if n["additionalProperties"] != false && at != replacement {
			return "is an object that is not closed"
		}
	case "array":
		if limit, ok := n["maxItems"].(float64); !ok || limit > schemas.MaxItems || !has(n, "items") {
			return "is an array without maxItems that the decoder keeps, or without items"
		}
	case "string":
		return openString(n)
	case "integer":
		if !has(n, "minimum", "maximum") {
			return "is a number without limits"
		}
	case "boolean":
	case nil:
		if !rule && !has(n, "$ref") && at != "common.v1" {
			return "has neither a type nor a reference"
		}
	default:
		return "has an unknown type"
	}
	return ""
}

func openString(n node) string {
	p, ok := n["pattern"].(string)
	switch {
	case !ok && !has(n, "enum"):
		return "is a string without enum or pattern"
	case ok && (!strings.HasPrefix(p, "^") || !strings.HasSuffix(p, "$")):
		return "has a pattern that does not bind the whole string"
	}
	return ""
}

// TestEverythingIsDescribed: files, shared definitions and members say in words
// what they are.
func TestEverythingIsDescribed(t *testing.T) {
	for _, name := range schemas.Names() {
		walk(readSchema(t, name), name, false, func(n node, at string, rule bool) {
			definition := strings.HasPrefix(at, "common.v1/$defs/") && strings.Count(at, "/") == 2
			if (at == name || definition) && !has(n, "title") {
				t.Errorf("%s has no title", at)
			}
			if !rule && !strings.HasSuffix(at, "/items") && !has(n, "description") {
				t.Errorf("%s has no description", at)
			}
		})
	}
}

// TestPatternsAreLimited: a pattern of open length goes with a maxLength.
func TestPatternsAreLimited(t *testing.T) {
	for _, name := range schemas.Names() {
		walk(readSchema(t, name), name, false, func(n node, at string, rule bool) {
			p, ok := n["pattern"].(string)
			if !ok || rule {
				return
			}
			if _, limited := n["maxLength"]; !limited && strings.ContainsAny(openEnds(p), "+*") {
				t.Errorf("%s: pattern %s has no end", at, p)
			}
		})
	}
}

// openEnds drops from a pattern what is escaped or stands in a class, so that +
// and * are left only where they repeat.
func openEnds(p string) string {
	var b strings.Builder
	class := false
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '\\':
			i++
		case p[i] == '[':
			class = true
		case p[i] == ']':
			class = false
		case !class:
			b.WriteByte(p[i])
		}
	}
	return b.String()
}

// TestCommonIsUsed: no definition of common.v1 is left over, and every reference
// names one.
func TestCommonIsUsed(t *testing.T) {
	used := map[string]bool{}
	for _, name := range schemas.Names() {
		prefix := "urn:berkas:schema:common.v1#/$defs/"
		if name == "common.v1" {
			prefix = "#/$defs/"
		}
		walk(readSchema(t, name), name, false, func(n node, _ string, _ bool) {
			if ref, ok := n["$ref"].(string); ok {
				if def, ok := strings.CutPrefix(ref, prefix); ok {
					used[def] = true
				}
			}
		})
	}
	defs := slices.Sorted(maps.Keys(readSchema(t, "common.v1")["$defs"].(node)))
	if got := slices.Sorted(maps.Keys(used)); !slices.Equal(got, defs) {
		t.Errorf("used are %v, defined are %v", got, defs)
	}
}
