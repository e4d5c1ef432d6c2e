package projections

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// TestNormal: what offices write in different ways is one number, and different
// numbers stay different.
func TestNormal(t *testing.T) {
	for text, want := range map[string]string{
		"B-0123/KASN/10/2020": "b/123/kasn/10/2020", "b 123 kasn 10 2020": "b/123/kasn/10/2020", "B123.KASN.10.2020": "b/123/kasn/10/2020",
		"": "", " -/.": "", "0": "0", "000": "0", "0x0": "0/x/0", "100": "100", "é1%_\x00\u202e2": "1/2", "1/23": "1/23", "12/3": "12/3",
		"CONTOH-800/0001/2020": "contoh/800/1/2020",
	} {
		if got := Normal(text); got != want {
			t.Errorf("%q became %q, not %q", text, got, want)
		}
	}
}

func FuzzNormal(f *testing.F) {
	for _, s := range []string{"B-0123/KASN/10/2020", "0", "00a00", "\x00\u202e%_'", strings.Repeat("a1", 200), strings.Repeat("0", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := Normal(s)
		if len(n) > normalLength || strings.Trim(n, "abcdefghijklmnopqrstuvwxyz0123456789/") != "" || strings.Contains(n, "//") {
			t.Fatalf("%q became %q", s, n)
		}
		if len(s) <= 64 && Normal(n) != n {
			t.Fatalf("%q became %q, and that %q", s, n, Normal(n))
		}
		if len(s) <= 64 && (Normal(strings.ToUpper(n)) != n || Normal(strings.ReplaceAll(n, "/", " - ")) != n) {
			t.Fatalf("%q is written in other ways, too", n)
		}
		q := SearchQuery{Text: s}
		for _, span := range q.spans() {
			if span.first > span.last || !utf8.ValidString(span.first+span.last) || strings.ContainsRune(span.last, 0) {
				t.Fatalf("%q asks for %+v", s, span)
			}
		}
		Places(s)
		Personal(s)
	})
}

// TestPersonal: who types a number of a person is refused; letters are not.
func TestPersonal(t *testing.T) {
	for _, s := range []string{
		"198001012005011001", "19800101 200501 1 001", "7371010101800001", "7371.0101.0180.0001", "1234567890123456", "a@example.com", "0812 3456 7890",
	} {
		if !Personal(s) {
			t.Errorf("%q may be searched for", s)
		}
	}
	for _, s := range []string{"", "800/1234/5678/9/2020x", "01726df4-2380-7000-8000-000000000009", strings.Repeat("0123456789abcdef", 4), "B-123/KASN/10/2020", "73.71"} {
		if Personal(s) {
			t.Errorf("%q may not be searched for", s)
		}
	}
	_, err := openReader(t, testkit.DB(t)).Search(t.Context(), SearchQuery{Text: "19800101 200501 1 001", Limit: 1})
	if !errors.Is(err, ErrPersonal) || strings.Contains(err.Error(), "1980") {
		t.Error(err)
	}
}

// TestPlaces: names of places by the beginnings of their words.
func TestPlaces(t *testing.T) {
	for text, want := range map[string]string{
		"makassar": "73.71", "Kota MAKAS": "73.71", "pemkot makassar": "73.71", "73.71": "73.71", "sulawesi sel": "73", "pemerintah provinsi bali": "51",
	} {
		list, _ := Places(text)
		if len(list) == 0 || list[0].Code != want {
			t.Errorf("%q is %v, not %s", text, list, want)
		}
	}
	if list, more := Places("kabupaten"); len(list) != MostPlaces || !more {
		t.Errorf("%d places, more: %v", len(list), more)
	}
	for _, text := range []string{"", "%", "provinsi", "xyzzy", "\x00"} {
		if list, _ := Places(text); len(list) > 0 {
			t.Errorf("%q is %v", text, list)
		}
	}
}

// naiveFound is what a search finds, by looking through all records.
type naiveFound struct {
	field    Field
	value    string
	position ledger.Position
	id       string
}

func searchNaively(t failer, records []ledger.Record, q SearchQuery) []naiveFound {
	t.Helper()
	var out []naiveFound
	seen := map[string]bool{}
	normal := Normal(q.Text)
	for _, r := range records {
		if r.Position > q.KnownAt || r.CaseID() == "" {
			continue
		}
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		if id := r.CaseID(); len(q.Text) >= 8 && strings.HasPrefix(id, strings.ToLower(q.Text)) && !seen[id] {
			seen[id] = true
			out = append(out, naiveFound{FieldCase, id, r.Position, id})
		}
		for _, s := range saidBy(e.Payload) {
			whole, begins := false, false
			switch s.field {
			case fieldLink:
				continue
			case FieldInstitution, FieldRegion:
				whole = s.value == q.Text || len(q.Text) == 4 && (s.value == "central-"+q.Text || strings.ReplaceAll(s.value, ".", "") == q.Text)
				begins = s.field == FieldRegion && len(q.Text) == 2 && strings.HasPrefix(s.value, q.Text)
			default:
				digest := strings.HasPrefix(s.value, digestPrefix)
				whole = !digest && s.value == normal || digest && len(q.Text) == 64 && s.text == q.Text
				begins = !digest && len(normal) >= leastNormal && strings.HasPrefix(s.value, normal)
			}
			if whole || begins {
				out = append(out, naiveFound{s.field, s.value, r.Position, r.CaseID()})
			}
		}
	}
	slices.SortFunc(out, func(a, b naiveFound) int {
		return cmp.Or(cmp.Compare(slices.Index(Fields, a.field), slices.Index(Fields, b.field)), cmp.Compare(a.value, b.value), cmp.Compare(a.position, b.position))
	})
	return out
}

// checkSearch: known at any position, a search finds what looking through all
// records finds, however the text is written and on however many pages.
func checkSearch(t *rapid.T, r *Reader, b *book) {
	checkLinks(t, r, b, ledger.Position(len(b.records)))
	for range 5 {
		q := SearchQuery{KnownAt: ledger.Position(rapid.IntRange(1, len(b.records)).Draw(t, "known at")), Limit: rapid.IntRange(1, 4).Draw(t, "limit")}
		q.Text = drawText(t, b)
		if Personal(q.Text) {
			continue
		}
		want := searchNaively(t, b.records, q)
		var got []naiveFound
		for _, f := range Fields {
			got = append(got, searchPages(t, r, b, q, f)...)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q known at %d:\nfound  %v\nrecords %v", q.Text, q.KnownAt, got, want)
		}
	}
}

// searchPages reads all pages of what is found in a field.
func searchPages(t *rapid.T, reader *Reader, b *book, q SearchQuery, f Field) []naiveFound {
	var out []naiveFound
	q.Fields = []Field{f}
	for {
		a, err := reader.Search(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Groups) == 0 {
			return out
		}
		g := a.Groups[0]
		if len(a.Groups) > 1 || len(g.Found) > q.Limit {
			t.Fatalf("%d groups of one field, %d found with limit %d", len(a.Groups), len(g.Found), q.Limit)
		}
		for _, one := range g.Found {
			value := one.Case
			if f != FieldCase {
				value = valueSaid(t, b.records[one.Last.Position-1], f, one.Text)
			}
			out = append(out, naiveFound{f, value, one.Last.Position, one.Case})
			if one.Corrected > q.KnownAt {
				t.Fatalf("%q was corrected at %d, after %d", one.Text, one.Corrected, q.KnownAt)
			}
		}
		if q.After = g.After; q.After == "" {
			return out
		}
	}
}

// checkLinks compares the links to a case with what records say.
func checkLinks(t *rapid.T, reader *Reader, b *book, known ledger.Position) {
	want := map[string][]Link{}
	for _, r := range b.records[:known] {
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		payload := e.Payload
		if c, ok := payload.(*ledger.EventCorrected); ok {
			payload = c.Replacement()
		}
		if l, ok := payload.(*ledger.CaseLinked); ok {
			want[l.Case] = append(want[l.Case], Link{r.CaseID(), r.Position})
		}
	}
	for id, list := range want {
		got, err := reader.LinkedTo(context.Background(), id, known)
		if err != nil || !slices.Equal(got, list) {
			t.Fatalf("linked to %s: %v, not %v: %v", id, got, list, err)
		}
	}
}

// valueSaid is the value under which a record says a text.
func valueSaid(t *rapid.T, r ledger.Record, f Field, text string) string {
	e, err := ledger.DecodeRecord(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range saidBy(e.Payload) {
		if s.field == f && s.text == text {
			return s.value
		}
	}
	t.Fatalf("position %d does not say %q in %s", r.Position, text, f)
	return ""
}

// drawText draws what somebody may search for: something that a record says, in
// another hand, or its beginning, or something else.
func drawText(t *rapid.T, b *book) string {
	r := b.records[rapid.IntRange(0, len(b.records)-1).Draw(t, "record")]
	e, err := ledger.DecodeRecord(r)
	if err != nil {
		t.Fatal(err)
	}
	list := slices.DeleteFunc(saidBy(e.Payload), func(s saying) bool { return s.field == fieldLink })
	switch {
	case rapid.IntRange(0, 9).Draw(t, "strange") == 0:
		return pick(t, "text", "%", "_", "R%", "'; DROP TABLE sought;--", "\u202eR-1", "r", "r/1", "73", "7371", "x\x00y")
	case r.CaseID() != "" && (len(list) == 0 || rapid.IntRange(0, 4).Draw(t, "id") == 0):
		return r.CaseID()[:rapid.IntRange(8, 36).Draw(t, "digits")]
	case len(list) == 0:
		return "R-1/2020"
	}
	s := pick(t, "said", list...)
	text := s.text
	if s.field == FieldInstitution || s.field == FieldRegion || strings.HasPrefix(s.value, digestPrefix) {
		return strings.TrimPrefix(text, "central-")
	}
	if rapid.Bool().Draw(t, "in another hand") {
		text = strings.ToLower(strings.NewReplacer("-", " ", "/", ".").Replace(text))
	}
	return text[:rapid.IntRange(1, len(text)).Draw(t, "long")]
}
