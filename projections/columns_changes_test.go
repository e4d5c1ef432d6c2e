package projections

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestStretchOf: a stretch of a list is that of the list in order.
func TestStretchOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.IntRange(0, rapid.IntRange(1, 1000).Draw(t, "values")), 0, 1000).Draw(t, "list")
		offset, limit := rapid.IntRange(0, len(list)).Draw(t, "offset"), rapid.IntRange(0, 100).Draw(t, "limit")
		want := slices.Sorted(slices.Values(list))
		want = want[offset:min(offset+limit, len(want))]
		if got := stretchOf(slices.Clone(list), offset, limit, cmp.Compare[int]); !slices.Equal(got, want) {
			t.Fatalf("%v from %d, at most %d: %v", list, offset, limit, got)
		}
	})
}
