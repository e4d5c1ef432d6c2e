package ledger

import (
	"regexp"
	"strconv"
	"strings"
)

// leastDigits is how many digits the shortest identifier has.
const leastDigits = 10

// DirectIdentifier reports whether a text holds what looks like an e-mail address,
// an Indonesian mobile number, a NIP or a NIK (domain of promise P7).
func DirectIdentifier(text string) bool { return directIdentifier(text) }

var keyOf32Bytes = regexp.MustCompile(`^[A-Za-z0-9+/]{43}=$`)

// directIdentifier reports whether a string holds what looks like an e-mail
// address, an Indonesian mobile number, a NIP or a NIK. Digits count as one
// number when single spaces, dots, hyphens or slashes stand between them, as people
// write them.
func directIdentifier(s string) bool {
	if strings.Contains(s, "@") {
		return true
	}
	if countDigits(s) < leastDigits {
		return false
	}
	// Whose whole form says that it is something else: digests, ids and keys
	// hold long runs of digits by chance.
	if isHash(s) || isUUID(s) || keyOf32Bytes.MatchString(s) {
		return false
	}
	for _, digits := range digitRuns(s) {
		if looksNIP(digits) || looksNIK(digits) || looksMobile(digits) {
			return true
		}
	}
	return false
}

func countDigits(s string) int {
	n := 0
	for i := range len(s) {
		if digitClass[s[i]] {
			n++
		}
	}
	return n
}

// digitRuns lists the maximal runs of digits, both as they stand and joined over
// single separators; runs shorter than leastDigits are of no interest. What is
// joined is listed without its first and last groups of digits, too, where 16 or
// 18 digits are left: a NIP as people write it may stand behind a letter's number
// and before its year.
func digitRuns(s string) []string {
	var out, groups []string
	flush := func() {
		out = append(out, oneNumber(groups)...)
		groups = groups[:0]
	}
	for i := 0; i < len(s); {
		n := 0
		for i+n < len(s) && digitClass[s[i+n]] {
			n++
		}
		if n == 0 {
			flush() // at most one separator stands between groups
			i++
			continue
		}
		groups = append(groups, s[i:i+n])
		if n >= leastDigits {
			out = append(out, s[i:i+n])
		}
		i += n
		if i < len(s) && strings.IndexByte(" .-/", s[i]) >= 0 {
			i++
		} else {
			flush()
		}
	}
	flush()
	return out
}

// oneNumber gives groups of digits as one number, and the numbers of 16 and 18
// digits that neighbours among them make.
func oneNumber(groups []string) []string {
	var out []string
	if all := strings.Join(groups, ""); len(groups) > 1 && len(all) >= leastDigits {
		out = append(out, all)
	}
	for i := range groups {
		n := 0
		for j := i; j < len(groups) && n < 18; j++ {
			if n += len(groups[j]); n == 16 || n == 18 {
				out = append(out, strings.Join(groups[i:j+1], ""))
			}
		}
	}
	return out
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // digits only, at most four
	return n
}

// looksNIP: 18 digits that begin with a date of birth.
func looksNIP(d string) bool {
	if len(d) != 18 {
		return false
	}
	y, m, day := number(d[:4]), number(d[4:6]), number(d[6:8])
	return y >= 1930 && y <= 2015 && m >= 1 && m <= 12 && day >= 1 && day <= 31
}

// looksNIK: 16 digits, a region and DDMMYY with 40 added to the day of women.
func looksNIK(d string) bool {
	if len(d) != 16 {
		return false
	}
	province, day, month := number(d[:2]), number(d[6:8]), number(d[8:10])
	if day > 40 {
		day -= 40
	}
	return province >= 11 && province <= 97 && day >= 1 && day <= 31 && month >= 1 && month <= 12
}

// looksMobile: 08 or 628 and eight to eleven more digits.
func looksMobile(d string) bool {
	rest, ok := strings.CutPrefix(d, "628")
	if !ok {
		rest, ok = strings.CutPrefix(d, "08")
	}
	return ok && len(rest) >= 8 && len(rest) <= 11
}
