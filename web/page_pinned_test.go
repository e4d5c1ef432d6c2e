package web

import (
	"html"
	"net/url"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// countedList is a link from a number to the list that it counts.
var countedList = regexp.MustCompile(`<a[^>]* href="(/(?:cases|worklist)\?[^"]+)"[^>]*>(?:<span[^>]*>[^<]*</span>\s*)*[0-9.,]+<`)

// TestNumbersOpenTheirOwnLists: whatever is left open in a question, each number
// leads to a list of the very two times at which it was counted, so that both
// say the same when records have come in between.
func TestNumbersOpenTheirOwnLists(t *testing.T) {
	s := newShelf(t)
	last := s.records[len(s.records)-1]
	for path, asOf := range map[string]time.Time{
		"/": last.Recorded, "/national": last.Recorded, "/national?as-of=2020-11-26": ledger.Date("2020-11-26").End(), "/treatment": last.Recorded,
		"/treatment?as-of=2020-11-26": ledger.Date("2020-11-26").End(), "/backlog": last.Recorded, "/desk/compare?as-of=2020-11-26&then-as-of=2020-11-26": ledger.Date("2020-11-26").End(),
	} {
		links := countedList.FindAllStringSubmatch(s.shows(path), -1)
		if len(links) < 4 {
			t.Errorf("%s: %d numbers lead to a list", path, len(links))
		}
		other := 0
		for _, l := range links {
			address, err := url.Parse(html.UnescapeString(l[1]))
			if err != nil {
				t.Fatal(err)
			}
			q := address.Query()
			at, err := ledger.ParseMoment(q.Get("as-of"))
			if err != nil || q.Get("known-at") != strconv.Itoa(len(s.records)) {
				t.Errorf("%s: %s is of no moment, or of another", path, address)
			}
			if !at.Equal(asOf) {
				other++
			}
		}
		if other > 0 && path != "/backlog" { // which has a chart over time
			t.Errorf("%s: %d of %d lists are of another day", path, other, len(links))
		}
	}
}

// TestSearchOfADay: what is found among what was known on a day opens as it was
// known on that day.
func TestSearchOfADay(t *testing.T) {
	s := newShelf(t)
	opens := regexp.MustCompile(`href="/cases/[0-9a-f-]{36}(?:\?known-at=([0-9]+))?"`)
	day := url.QueryEscape(s.records[len(s.records)-2].Recorded.Format(time.RFC3339Nano))
	for query, want := range map[string]string{"": "", "&known-at=" + strconv.Itoa(len(s.records)-1): strconv.Itoa(len(s.records) - 1), "&known-at=" + day: strconv.Itoa(len(s.records) - 1)} {
		found := opens.FindAllStringSubmatch(s.shows("/search?q=CONTOH-9001"+query), -1)
		if len(found) == 0 {
			t.Fatalf("%s: nothing is found", query)
		}
		for _, f := range found {
			if f[1] != want {
				t.Errorf("%s: a case opens as known at %q, not %q", query, f[1], want)
			}
		}
	}
}
