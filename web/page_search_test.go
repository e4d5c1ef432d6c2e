package web

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/projections"
)

func testLog(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }

// found asks the API.
func (s *shelf) found(t *testing.T, query string) searchAnswer {
	t.Helper()
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/search?"+query, nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", query, w.Code, w.Body)
	}
	var a searchAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// TestSearch looks for cases as people do, and as they should not.
func TestSearch(t *testing.T) {
	s := newCaseShelf(t)
	for name, look := range map[string]func(*testing.T, *shelf){
		"finds": searchFinds, "pages": searchIsPaged, "known": searchKnowsWhatWasRecorded, "personal": searchRefusesPersonal, "hostile": searchIsHostile,
	} {
		t.Run(name, func(t *testing.T) { look(t, s) })
	}
}

// searchFinds: each way to name a case leads to it, and says why.
func searchFinds(t *testing.T, s *shelf) {
	first, second := s.walks[0].Case, s.walks[1].Case
	for query, want := range map[string][2]string{
		"CONTOH-9001/KASN/2024": {first, "nomor surat"}, "contoh 9001 kasn": {first, "nomor surat"}, "CONTOH/9001/2023": {first, "nomor registrasi"},
		"contoh.800.9101.2024": {second, "nomor keputusan PPK"}, "CONTOH-9001/BPASN/2024": {first, "nomor putusan atas upaya"},
		"arsip 7 2025": {first, "dokumen"}, strings.Repeat("9f86d081", 8): {first, "dokumen"}, first[:8]: {first, "id kasus"}, shortID(first): {first, "id kasus"},
		"kota makassar": {second, "instansi terlapor"}, "7371": {second, "wilayah perbuatan"}, "gowa": {first, "instansi terlapor"},
	} {
		body := s.shows("/search?q=" + url.QueryEscape(query))
		if !strings.Contains(body, `href="/cases/`+want[0]+`"`) || !strings.Contains(body, "Cocok pada "+want[1]) {
			t.Errorf("%q does not lead to %s by its %s", query, want[0], want[1])
		}
	}
	if body := s.shows("/search?q=800%2F1"); !strings.Contains(body, "Tidak ada kasus yang ditemukan") || !strings.Contains(body, "dari awalnya") {
		t.Error("what is not found is not explained")
	}
	if body := s.shows("/search?q=CONTOH"); !strings.Contains(body, "1.000 catatan atau lebih") || !strings.Contains(body, "Semua yang cocok pada") {
		t.Error("what is too broad is not explained")
	}
	if body := s.shows("/search?q=sulawesi"); strings.Count(body, "sebagai tempat perbuatan") != 5 {
		t.Error("places are not suggested")
	}
	if body := s.shows("/search?q=arsip+8"); !strings.Contains(body, "catatan ini dikoreksi pada posisi") {
		t.Error("a corrected record is shown as if it still said so")
	}
	for _, link := range regexp.MustCompile(`href="(/search\?[^"]+|/cases[^"]*)"`).FindAllStringSubmatch(s.shows("/search?q=73.71"), -1) {
		s.t = t
		s.shows(html.UnescapeString(link[1]))
	}
}

// searchIsPaged: short pages and long ones have the same records, each once.
func searchIsPaged(t *testing.T, s *shelf) {
	all := func(limit string) []uint64 {
		var out []uint64
		for after := ""; ; {
			a := s.found(t, "q=contoh+9&in=letter&limit="+limit+"&after="+url.QueryEscape(after))
			if len(a.Groups) == 0 {
				return out
			}
			for _, f := range a.Groups[0].Found {
				out = append(out, f.Position)
			}
			if after = a.Groups[0].After; after == "" {
				return out
			}
		}
	}
	short, long := all("2"), all("200")
	if len(short) < 5 || len(short) != len(long) {
		t.Fatalf("%d and %d", len(short), len(long))
	}
	for i := range short {
		if short[i] != long[i] {
			t.Fatalf("%v\n%v", short, long)
		}
	}
	seen := map[string]bool{}
	path := "/search?q=CONTOH&in=register"
	for n := 0; path != "" && n < 40; n++ {
		s.t = t
		body := s.shows(path)
		for _, m := range regexp.MustCompile(`(?s)posisi ([0-9.]+)</small></td>`).FindAllStringSubmatch(body, -1) {
			if seen[m[1]] {
				t.Fatalf("%s stands on two pages", m[1])
			}
			seen[m[1]] = true
		}
		path = ""
		if m := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(body); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	if a := s.found(t, "q=CONTOH&in=register&limit=1"); len(seen) != a.Groups[0].Total {
		t.Errorf("%d on all pages, of %d", len(seen), a.Groups[0].Total)
	}
}

// searchKnowsWhatWasRecorded: a number is found from its record on.
func searchKnowsWhatWasRecorded(t *testing.T, s *shelf) {
	one := s.found(t, "q=ARSIP-07/2025").Groups[0].Found[0]
	for known, want := range map[uint64]int{one.Position - 1: 0, one.Position: 1} {
		if a := s.found(t, "q=ARSIP-07/2025&known-at="+indonesianless(known)); len(a.Groups) != want || a.KnownAt != known {
			t.Errorf("known at %d: %+v", known, a)
		}
	}
}

func indonesianless(n uint64) string { return strings.ReplaceAll(indonesian.number(n), ".", "") }

// searchRefusesPersonal: who types a number of a person is told why not, at an
// address without it; it stands in no answer and in no log.
func searchRefusesPersonal(t *testing.T, s *shelf) {
	var log bytes.Buffer
	kept := s.server.Log
	s.server.Log = testLog(&log)
	defer func() { s.server.Log = kept }()
	for _, text := range []string{"198001012005011001", "19800101 200501 1 001", "7371010101800001", "1234-5678-9012-3456", "orang@contoh.example", "081234567890"} {
		status, to := s.page("/search?q=" + url.QueryEscape(text))
		if status != http.StatusSeeOther || to != "/search?refused=personal" {
			t.Errorf("%q: %d %s", text, status, to)
		}
		if status, to := s.page("/search?in=letter&after=" + url.QueryEscape(text)); status != http.StatusSeeOther || strings.Contains(to, "after") {
			t.Errorf("%q as a place to go on from: %d %s", text, status, to)
		}
		w := httptest.NewRecorder()
		s.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/search?q="+url.QueryEscape(text), nil))
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"personal-data"`) || strings.Contains(w.Body.String(), text) {
			t.Errorf("%q: %d %s", text, w.Code, w.Body)
		}
		if strings.Contains(log.String(), text) {
			t.Errorf("%q is logged", text)
		}
	}
	if body := s.shows("/search?refused=personal"); !strings.Contains(body, "tersegel di buku besar ini") || !strings.Contains(body, "riwayat peramban dan proksi di depan peladen ini mungkin menyimpan alamatnya") {
		t.Error("it is not said why")
	}
	s.shows("/search?q=CONTOH-9001/KASN/2024")
	if !strings.Contains(log.String(), "GET /search") || strings.Contains(log.String(), "9001") {
		t.Error("what is searched for is logged, or nothing is")
	}
}

// searchIsHostile: nothing that is typed is more than text.
func searchIsHostile(t *testing.T, s *shelf) {
	for text, want := range map[string]int{
		"%": 200, "_%_": 200, "'; DROP TABLE projection.sought;--": 200, "\u202e4202/NSAK": 200, "\x00": 400, "\xff": 400, "<script>alert(1)</script>": 200,
		strings.Repeat("a", projections.MostSearched): 200, strings.Repeat("a", projections.MostSearched+1): 400, "{{.}}": 200, "~": 200, "/": 200, "\\": 200,
	} {
		status, body := s.page("/search?q=" + url.QueryEscape(text))
		if status != want || strings.Contains(body, "<script>alert") {
			t.Errorf("%q: %d", text, status)
		}
		if want == 200 && strings.Trim(text, "%_~/\\{.}") == "" && strings.Contains(body, "Cocok pada") {
			t.Errorf("%q matches something", text)
		}
	}
	for _, query := range []string{
		"q=contoh&in=name", "q=contoh&in=letter&after=x", "q=contoh&in=letter&after=1.zzz", "q=contoh&after=1.contoh", "q=contoh&limit=0", "q=contoh&q=x",
		"q=contoh&known-at=0", "q=contoh&known-at=99999999", "q=73&in=region&after=-1.73", "q=01726df4&in=case&after=x", "q=contoh&x=1",
	} {
		if status, _ := s.page("/search?" + query); status < 400 || status >= 500 {
			t.Errorf("%s: %d", query, status)
		}
		w := httptest.NewRecorder()
		s.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/search?"+query, nil))
		if w.Code < 400 || w.Code >= 500 {
			t.Errorf("API %s: %d", query, w.Code)
		}
	}
}

// FuzzSearchAddress: an address is read without panic, and one that is read says the
// same when it is written again.
func FuzzSearchAddress(f *testing.F) {
	for _, q := range []string{"", "q=CONTOH-1&in=letter&after=3.contoh%2F1", "q=%00", "q=198001012005011001", "in=case", "q=%E2%80%AE&known-at=x"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := parseSearch(raw)
		if err != nil {
			return
		}
		if projections.Personal(q.text) {
			t.Fatalf("%q may be searched for", q.text)
		}
		address, err := url.Parse(q.address("after", q.after))
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseSearch(address.RawQuery)
		if len(address.RawQuery) <= maxQuery && (err != nil || again != q) {
			t.Fatalf("%q became %q: %v", raw, address.RawQuery, err)
		}
	})
}
