package rates

import "math"

// Waits are waiting times by whole days: Done[d] ended after d days, Open[d] had
// lasted d days when they were last seen and had not ended.
type Waits struct{ Done, Open []uint32 }

// Len counts the waits.
func (w Waits) Len() (done, open uint64) {
	for _, n := range w.Done {
		done += uint64(n)
	}
	for _, n := range w.Open {
		open += uint64(n)
	}
	return done, open
}

// at gives the counts of a day.
func (w Waits) at(day int) (done, open uint64) {
	if day < len(w.Done) {
		done = uint64(w.Done[day])
	}
	if day < len(w.Open) {
		open = uint64(w.Open[day])
	}
	return done, open
}

func (w Waits) days() int { return max(len(w.Done), len(w.Open)) }

// Point is a day on which waits ended.
type Point struct {
	Day    int
	AtRisk uint64  // had not ended before and were still seen
	Done   uint64  // ended on this day
	Left   float64 // estimated share that lasts longer
	// Spread is Greenwood's sum, the variance of Left over its square; infinite
	// once nothing is left.
	Spread float64
}

// Curve is a Kaplan-Meier estimate: the share of waits that last longer than a
// number of days, stepping down at each point. Before the first it is 1.
type Curve []Point

// KaplanMeier estimates how long waits last, the open ones heeded: they lasted at
// least as long as they were seen. Those seen last on a day on which others ended
// count as still there when these ended.
//
// Kaplan and Meier, J. Am. Stat. Assoc. 53 (1958) 457.
func KaplanMeier(w Waits) Curve {
	done, open := w.Len()
	atRisk := done + open
	left, spread := 1.0, 0.0
	var out Curve
	for day := range w.days() {
		d, o := w.at(day)
		if d > 0 {
			n, k := float64(atRisk), float64(d)
			left *= (n - k) / n
			spread += k / (n * (n - k)) // infinite when the last ones end
			out = append(out, Point{day, atRisk, d, left, spread})
		}
		atRisk -= d + o
	}
	return out
}

// Band is the interval of the share left after a point, on the scale log(-log).
// Where everything or nothing is left it has no width to speak of: the whole
// [0, 1].
func (p Point) Band(confidence float64) Interval {
	if p.Left <= 0 || p.Left >= 1 {
		return Interval{0, 1}
	}
	width := quantile(confidence) * math.Sqrt(p.Spread) / math.Abs(math.Log(p.Left))
	return Interval{math.Pow(p.Left, math.Exp(width)), math.Pow(p.Left, math.Exp(-width))}
}

// Quantile is the number of days by which a share of waits has ended.
type Quantile struct {
	Days int
	// Low and High are the ends of its interval.
	Low, High int
	// A part that is not known is one that too few waits have reached: less than
	// the share has ended, or it cannot be told how long it may last.
	Known, LowKnown, HighKnown bool
}

// rounding is what a share may miss by floating point.
const rounding = 1e-9

// Quantile gives the first day by which at least a share of waits, such as 0.5
// for the median, has ended, with the interval of Brookmeyer and Crowley: the
// days on which the share could have been reached as far as the bands tell.
func (c Curve) Quantile(share, confidence float64) Quantile {
	var q Quantile
	q.Days, q.Known = c.Reached(share)
	left := 1 - share + rounding
	for _, p := range c {
		band := p.Band(confidence)
		if !q.LowKnown && band.Low <= left {
			q.Low, q.LowKnown = p.Day, true
		}
		if p.Left > 0 && band.High <= left {
			q.High, q.HighKnown = p.Day, true
			break
		}
	}
	return q
}

// Reached gives the first day by which at least a share of waits has ended;
// false if it has not.
func (c Curve) Reached(share float64) (days int, known bool) {
	left := 1 - share + rounding
	for _, p := range c {
		if p.Left <= left {
			return p.Day, true
		}
	}
	return 0, false
}

// Difference is between two groups of waits.
type Difference struct {
	// Seen and Expected count the waits of the part that ended, and would have if
	// both went equally fast. More than expected is faster.
	Seen, Expected float64
	// P is the probability of so great a difference, either way, if both went
	// equally fast; 1 if it cannot be told. It is an approximation that holds
	// when at least some five ends are expected in either group.
	P float64
}

// LogRank compares a part of all waits with the others.
//
// Mantel, Cancer Chemother. Rep. 50 (1966) 163.
func LogRank(part, all Waits) Difference {
	g, n := remaining(part), remaining(all)
	d := Difference{P: 1}
	variance := 0.0
	for day := range all.days() {
		gDone, gOpen := part.at(day)
		done, open := all.at(day)
		if done > 0 {
			ends, atRisk, share := float64(done), float64(n), float64(g)/float64(n)
			d.Seen += float64(gDone)
			d.Expected += ends * share
			if n > 1 {
				variance += ends * share * (1 - share) * (atRisk - ends) / (atRisk - 1)
			}
		}
		g, n = g-gDone-gOpen, n-done-open
	}
	if variance > 0 {
		d.P = twoSided((d.Seen - d.Expected) / math.Sqrt(variance))
	}
	return d
}

func remaining(w Waits) uint64 {
	done, open := w.Len()
	return done + open
}
