package ledger

import "strings"

// class is a set of bytes. Forms of ids are checked for every event, many times
// over, where a regular expression would take most of the time.
type class [256]bool

func classOf(chars string) *class {
	var c class
	for i := range len(chars) {
		c[chars[i]] = true
	}
	return &c
}

const (
	digits   = "0123456789"
	hexabet  = digits + "abcdef"
	alphabet = "abcdefghijklmnopqrstuvwxyz" + digits
)

var (
	digitClass  = classOf(digits)
	hexClass    = classOf(hexabet)
	wordClass   = classOf(alphabet)
	codeClass   = classOf(alphabet + "-")
	caseClass   = classOf(hexabet + "-")
	originClass = classOf(alphabet + ".-")
)

// fits reports whether a string has at least one and at most so many bytes, all
// of the class.
func (c *class) fits(s string, most int) bool {
	return s != "" && len(s) <= most && c.all(s)
}

func (c *class) all(s string) bool {
	for i := range len(s) {
		if !c[s[i]] {
			return false
		}
	}
	return true
}

// isHash: [0-9a-f]{64}.
func isHash(s string) bool { return len(s) == 64 && hexClass.all(s) }

// isCode: [a-z0-9-]{1,64}.
func isCode(s string) bool { return codeClass.fits(s, 64) }

// isUUID: the canonical spelling in lower case, of any version.
func isUUID(s string) bool {
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' &&
		hexClass.all(s[:8]) && hexClass.all(s[9:13]) && hexClass.all(s[14:18]) && hexClass.all(s[19:23]) && hexClass.all(s[24:])
}

// isUUIDv7: version 7 in the variant of RFC 9562.
func isUUIDv7(s string) bool {
	return isUUID(s) && s[14] == '7' && strings.IndexByte("89ab", s[19]) >= 0
}

// isDay: [0-9]{4}-[0-9]{2}-[0-9]{2}.
func isDay(s string) bool {
	return len(s) == 10 && s[4] == '-' && s[7] == '-' && digitClass.all(s[:4]) && digitClass.all(s[5:7]) && digitClass.all(s[8:])
}

// isTime: RFC 3339 with T and Z in capitals, at most six decimals, and an offset
// of less than a day.
func isTime(s string) bool {
	if len(s) < 20 || !isDay(s[:10]) || s[10] != 'T' || !isClock(s[11:16]) || s[16] != ':' || !digitClass.all(s[17:19]) {
		return false
	}
	rest := s[19:]
	if rest[0] == '.' {
		zone := strings.TrimLeft(rest[1:], digits)
		if decimals := len(rest) - 1 - len(zone); decimals < 1 || decimals > 6 {
			return false
		}
		rest = zone
	}
	return rest == "Z" || isOffset(rest)
}

// isOffset: [+-]([01][0-9]|2[0-3]):[0-5][0-9].
func isOffset(s string) bool {
	return len(s) == 6 && (s[0] == '+' || s[0] == '-') && isClock(s[1:]) && s[1:3] < "24" && s[4] < '6'
}

// isClock: [0-9]{2}:[0-9]{2}.
func isClock(s string) bool {
	return len(s) == 5 && s[2] == ':' && digitClass.all(s[:2]) && digitClass.all(s[3:])
}

// isOrigin: one to four parts of up to 63 bytes, divided by slashes, none of
// which begins with a dot or a hyphen.
func isOrigin(s string) bool {
	for n := 0; n < 4; n++ {
		part, rest, more := strings.Cut(s, "/")
		if !originClass.fits(part, 63) || !wordClass[part[0]] {
			return false
		}
		if !more {
			return true
		}
		s = rest
	}
	return false
}
