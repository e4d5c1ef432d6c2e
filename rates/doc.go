// Package rates says how far a rate or a waiting time may be trusted: intervals,
// what chance alone explains, and what looking at many groups does to that.
// It is pure: counts in, numbers out.
//
// Sources: Wilson (1927) for proportions, as Newcombe (1998) recommends; Kaplan
// and Meier (1958) for times some of which have not ended, with the interval of
// Brookmeyer and Crowley (1982) on the scale log(-log S) (Klein and Moeschberger
// 2003, section 4.5); Fisher (1935) for what dealing out at random explains;
// Spiegelhalter (2005) for funnels; Mantel (1966) for the log-rank test; Holm
// (1979) for many comparisons.
package rates
