package rates

import (
	"cmp"
	"slices"
)

// Holm corrects probabilities for their number: reporting as remarkable those
// whose corrected one is at most alpha, one reports anything at all by chance
// alone with a probability of at most alpha, however the groups hang together.
// The result is in the order of the argument, which is left as it is.
//
// Holm, Scand. J. Stat. 6 (1979) 65.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	out := make([]float64, len(p))
	most := 0.0
	for rank, i := range order {
		most = max(most, min(1, p[i]*float64(len(p)-rank)))
		out[i] = most
	}
	return out
}
