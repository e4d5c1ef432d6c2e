package verify

import (
	"fmt"
	"reflect"
)

// DiffCases says which case two auditors do not have alike.
func DiffCases(a, b *Auditor) string {
	for id, c := range a.cases {
		other, ok := b.cases[id]
		if !ok || !reflect.DeepEqual(c, other) {
			return fmt.Sprintf("case %s: %+v and %+v", id, c, other)
		}
	}
	if len(a.cases) != len(b.cases) {
		return fmt.Sprintf("%d and %d cases", len(a.cases), len(b.cases))
	}
	return ""
}
