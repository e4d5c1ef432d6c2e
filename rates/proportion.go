package rates

import "math"

// Interval is a span of numbers, its ends included.
type Interval struct{ Low, High float64 }

// Contains reports whether a number lies in the span.
func (i Interval) Contains(x float64) bool { return i.Low <= x && x <= i.High }

// Wilson gives the score interval of a proportion of which k of n were seen, at
// a confidence between 0 and 1 such as 0.95. It stays within [0, 1], holds k/n,
// and is no point at 0 of n or n of n, as the textbook's plain interval is. Of
// nothing it says nothing: [0, 1]. A k above n is taken as n.
//
// Wilson, J. Am. Stat. Assoc. 22 (1927) 209; method 3 of Newcombe, Stat. Med. 17
// (1998) 857.
func Wilson(k, n uint64, confidence float64) Interval {
	if n == 0 {
		return Interval{0, 1}
	}
	k = min(k, n)
	z := quantile(confidence)
	N, p := float64(n), float64(k)/float64(n)
	middle := (p + z*z/(2*N)) / (1 + z*z/N)
	half := z / (1 + z*z/N) * math.Sqrt(p*(1-p)/N+z*z/(4*N*N))
	out := Interval{max(0, middle-half), min(1, middle+half)}
	// The formula gives these exactly; floating point misses them by a hair.
	if k == 0 {
		out.Low = 0
	}
	if k == n {
		out.High = 1
	}
	return out
}

// quantile is how many standard deviations from the middle of a normal
// distribution a symmetric span of this confidence ends.
func quantile(confidence float64) float64 { return math.Sqrt2 * math.Erfinv(confidence) }

// twoSided is the probability that a standard normal value lies at least as far
// out as z.
func twoSided(z float64) float64 { return math.Erfc(math.Abs(z) / math.Sqrt2) }
