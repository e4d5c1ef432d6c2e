package rates

import "math"

// Chance is how many of a group chance alone would give something, when nothing
// about the group matters: the share P for each of its members by itself
// (Binomial), or K outcomes dealt out at random among all (Dealt).
type Chance struct {
	n, low, high uint64 // size of the group; the least and the most it can be
	// logP is the logarithm of the probability of exactly k, before that of k-1
	// over that of k.
	logP, before func(k uint64) float64
	mean, spread float64 // spread is the standard deviation
}

// Binomial is chance with a share p between 0 and 1 that is known from
// elsewhere, for a group of n.
func Binomial(n uint64, p float64) Chance {
	c := Chance{n: n, high: n, mean: float64(n) * p, spread: math.Sqrt(float64(n) * max(0, p*(1-p)))}
	switch {
	case p <= 0:
		c.high, c.mean = 0, 0
	case p >= 1:
		c.low, c.mean = n, float64(n)
	}
	logP, logQ := math.Log(p), math.Log1p(-p)
	c.logP = func(k uint64) float64 {
		if c.low == c.high {
			return 0
		}
		return logChoose(n, k) + float64(k)*logP + float64(n-k)*logQ
	}
	c.before = func(k uint64) float64 { return float64(k) / float64(n-k+1) * (1 - p) / p }
	return c
}

// Dealt is chance when K of all N have something and n of the N are the group:
// as if the K had been dealt out at random. It is the distribution of Fisher's
// exact test of the group against all others, and needs no rate to be known. A
// K or n above N is taken as N.
func Dealt(n, K, N uint64) Chance {
	K, n = min(K, N), min(n, N)
	c := Chance{n: n, high: min(n, K)}
	if n+K > N {
		c.low = n + K - N
	}
	if N > 0 {
		share := float64(K) / float64(N)
		c.mean = float64(n) * share
		c.spread = math.Sqrt(c.mean * (1 - share) * float64(N-n) / max(1, float64(N-1)))
	}
	all := logChoose(N, n)
	c.logP = func(k uint64) float64 { return logChoose(K, k) + logChoose(N-K, n-k) - all }
	c.before = func(k uint64) float64 {
		return float64(k) / float64(K-k+1) * (float64(N-K-n+k) / float64(n-k+1))
	}
	return c
}

// logChoose is the logarithm of n over k.
func logChoose(n, k uint64) float64 {
	a, _ := math.Lgamma(float64(n) + 1)
	b, _ := math.Lgamma(float64(k) + 1)
	c, _ := math.Lgamma(float64(n-k) + 1)
	return a - b - c
}

// AtMost is the probability of k or fewer.
func (c Chance) AtMost(k uint64) float64 {
	switch {
	case k >= c.high:
		return 1
	case k < c.low:
		return 0
	case float64(k) > c.mean: // the side with few terms, which are all small
		return 1 - c.up(k+1)
	}
	return c.down(k)
}

// AtLeast is the probability of k or more.
func (c Chance) AtLeast(k uint64) float64 {
	switch {
	case k <= c.low:
		return 1
	case k > c.high:
		return 0
	case float64(k) <= c.mean:
		return 1 - c.down(k-1)
	}
	return c.up(k)
}

// negligible is a part of the sum that following, still smaller terms do not
// change to speak of.
const negligible = 1e-14

func (c Chance) down(k uint64) float64 {
	term := math.Exp(c.logP(k))
	sum := term
	for ; k > c.low && term > sum*negligible; k-- {
		term *= c.before(k)
		sum += term
	}
	return min(1, sum)
}

func (c Chance) up(k uint64) float64 {
	term := math.Exp(c.logP(k))
	sum := term
	for ; k < c.high && term > sum*negligible; k++ {
		term /= c.before(k + 1)
		sum += term
	}
	return min(1, sum)
}

// P is the probability, if chance alone is at work, of something at least as far
// out as k, on either side: twice the smaller tail.
func (c Chance) P(k uint64) float64 {
	return min(1, 2*min(c.AtMost(k), c.AtLeast(k)))
}

// within gives the least k that is not below, and the greatest that is not
// above, what chance leaves alpha for: P is at most alpha outside and above it
// inside.
func (c Chance) within(alpha float64) (least, greatest uint64) {
	out := quantile(1-alpha) * c.spread // where a normal distribution has them
	return c.search(c.mean-out, func(k uint64) bool { return 2*c.AtMost(k) > alpha }),
		c.search(c.mean+out, func(k uint64) bool { return 2*c.AtLeast(k+1) <= alpha })
}

// search gives the first k from which on yes holds, the greatest if none; it
// begins to look at a guess.
func (c Chance) search(guess float64, yes func(uint64) bool) uint64 {
	low, high := c.low, c.high
	at := min(high, max(low, uint64(max(0, guess))))
	for step := uint64(1); low < high; step *= 2 {
		if yes(at) {
			high = at
			at -= min(step, at-low)
		} else {
			low = min(at+1, high)
			at = min(high, at+step)
		}
		if at == low || at == high {
			break
		}
	}
	for low < high {
		if mid := low + (high-low)/2; yes(mid) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// Limits are the limits of a funnel at this size of a group, as shares: what
// lies between them chance explains but for alpha. They are drawn between the
// whole numbers, as Spiegelhalter does (Stat. Med. 24 (2005) 1185, appendix A.1),
// so that the funnel is smooth; whether a group lies outside is for P to say.
func (c Chance) Limits(alpha float64) Interval {
	if c.n == 0 {
		return Interval{0, 1}
	}
	least, greatest := c.within(alpha)
	low, high := float64(least), float64(greatest)
	if least > c.low {
		low -= between(c.AtMost(least-1), c.AtMost(least), alpha/2)
	}
	if greatest < c.high {
		high += between(c.AtLeast(greatest+1), c.AtLeast(greatest), alpha/2)
	}
	n := float64(c.n)
	return Interval{max(0, low/n), min(1, high/n)}
}

// between is how far before reaching the tail b, coming from the smaller tail a,
// a wanted tail lies, as a part of one.
func between(a, b, wanted float64) float64 {
	if b <= a {
		return 0
	}
	return min(1, max(0, (b-wanted)/(b-a)))
}

// Outside is the probability that chance alone puts a group outside the limits
// of alpha. It is at most alpha, and less where numbers are small: counts are
// whole.
func (c Chance) Outside(alpha float64) float64 {
	if c.low == c.high {
		return 0
	}
	// Beyond these ends nothing is left to speak of.
	far := 12*c.spread + 12
	first, last := max(c.low, uint64(max(0, c.mean-far))), min(c.high, uint64(c.mean+far))
	below, term := 0.0, math.Exp(c.logP(first))
	for k := first; 2*(below+term) <= alpha && k < last; k++ {
		below += term
		term /= c.before(k + 1)
	}
	above, term := 0.0, math.Exp(c.logP(last))
	for k := last; 2*(above+term) <= alpha && k > first; k-- {
		above += term
		term *= c.before(k)
	}
	return min(1, below+above)
}
