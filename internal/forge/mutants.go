package forge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Mutants gives bundles with one more record, whose event somebody garbled and
// signed all the same. What is to be found is not said: two readers have to find
// the same. Equal seeds give equal bundles.
func Mutants(seed uint64, n int) []Bundle {
	random := rand.New(rand.NewPCG(seed, 0))
	var m maker
	for i := range n {
		b := newBook()
		body := garbled(random, b.event(ledger.KASN, b.now.Add(-time.Hour)))
		if i%3 == 0 {
			body = garbled(random, body)
		}
		p := b.put(b.raw(body, "kasn/b"))
		m.add(want{name: fmt.Sprintf("mutant-%d-%d", seed, i)}, b, b.bundle(b.seal()), p)
	}
	return m.list
}

// pieces are what readers of JSON, of times and of ids may read differently.
var pieces = []string{
	`"`, `\`, `{`, `}`, `[`, `]`, `,`, `:`, ` `, "\t", "\r", "\n", "\x00", "\x7f", "\u00a0", "\ufeff", "\u2028", "\xff", "\xed\xa0\x80", "\xc0\xaf",
	`\u0000`, `\ud800`, `\udc00`, `\ud83d\ude00`, `\/`, `\'`, `\u0041`, `\U0041`, "0", "-0", "1e3", "1.0", "01", "+1", ".5", "1e999", "null", "true", "NaN", "Infinity",
	"/*x*/", "//x\n", `"__proto__":{},`, `"constructor":1,`, `"Source":"x",`, `"caseversion":1,`, `"caseversion":-1,`, `"caseversion":1.0,`, `"caseversion":4294967296,`,
	`"caseversion":9007199254740993,`, `"traceparent":"",`, `"causationid":"x",`, "Z", "z", "T", "t", "+07:00", "-00:00", "+24:00", ":60", "24:00:00", ".0000001", "2020-02-30",
	"/agencies/", "/registrar", "urn:", ".v1", ".v01", ".v2", "id.berkas.", "\u0130", "\u017f",
}

// garbled changes an event's bytes in one place.
func garbled(random *rand.Rand, body []byte) []byte {
	text := string(body)
	at := random.IntN(len(text))
	end := min(len(text), at+random.IntN(8))
	piece := pieces[random.IntN(len(pieces))]
	switch random.IntN(6) {
	case 0: // put in where a member or a value begins
		spots := strings.Split(text, ",")
		i := random.IntN(len(spots))
		return []byte(strings.Join(slices.Insert(spots, i, piece), ","))
	case 1: // in place of a value's first bytes
		if i := strings.Index(text[at:], `":"`); i >= 0 {
			return []byte(text[:at+i+3] + piece + text[at+i+3:])
		}
		return []byte(piece + text)
	case 2: // twice what stands there
		return []byte(text[:end] + text[at:])
	case 3: // gone
		return []byte(text[:at] + text[end:])
	case 4: // at the front, where names stand
		return []byte("{" + piece + text[1:])
	default:
		return []byte(text[:at] + piece + text[end:])
	}
}
