package schemas_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/schemas"
)

// FuzzValidate: no data makes the validator panic, name more places than it may,
// or repeat a name that the sender made up; what it takes, the structs take.
func FuzzValidate(f *testing.F) {
	for i, k := range ledger.Kinds {
		f.Add(uint8(i), accepted(f, k, 1))
		f.Add(uint8(i), accepted(f, k, 2))
		for _, x := range refused(f, k) {
			f.Add(uint8(i), []byte(x.Data))
		}
	}
	f.Add(uint8(0), []byte(`{"respondents":[1e999999,{"Contoh":"Rekaan"},[[[]]],null]}`))
	v := newValidator(f)
	known := memberNames(f)
	f.Fuzz(func(t *testing.T, i uint8, data []byte) {
		k := ledger.Kinds[int(i)%len(ledger.Kinds)]
		found := v.Validate(k.Kind, k.Version, data)
		if len(found) > ledger.MaxPointers {
			t.Fatalf("%d problems", len(found))
		}
		for _, p := range found {
			for _, step := range strings.Split(p.Pointer, "/")[1:] {
				if _, err := strconv.Atoi(step); err != nil && !known[step] {
					t.Fatalf("the pointer %q holds what no schema knows", p.Pointer)
				}
			}
		}
		if r := v.Refusal(k.Kind, k.Version, data); (r == nil) != (len(found) == 0) {
			t.Fatalf("problems %v, refusal %v", found, r)
		}
		if _, err := ledger.DecodePayload(k.Kind, k.Version, data); err != nil && len(found) == 0 {
			t.Fatalf("the schema takes it and the struct does not: %v", err)
		}
	})
}

// memberNames are the names of members that any schema knows.
func memberNames(t testing.TB) map[string]bool {
	known := map[string]bool{}
	for _, name := range schemas.Names() {
		walk(readSchema(t, name), name, false, func(n node, _ string, _ bool) {
			props, _ := n["properties"].(node)
			for _, p := range slices.Collect(maps.Keys(props)) {
				known[p] = true
			}
		})
	}
	return known
}
