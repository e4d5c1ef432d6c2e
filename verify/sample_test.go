package verify_test

import (
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

func lot(t testing.TB) verify.Lot {
	t.Helper()
	root, err := ledger.ParseHash("be33e07172331826b33794b618cf22f7e61420ad40f122f4bae18910c3ebe2fb")
	if err != nil {
		t.Fatal(err)
	}
	question, err := verify.SampleQuestion(ledger.Query{
		Measures: []ledger.Measure{ledger.NotFollowedUp, ledger.Sanctioned}, Unit: ledger.UnitRespondent, SeenBy: ledger.BKN,
		AsOf: ledger.Date("2020-11-26").End(), Filter: map[string]string{"office": "IV", "family": "discipline"},
	}, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	return verify.Lot{Seed: "auditor: sungai / press: 27 11 04", Size: 17, Root: root, Question: question}
}

// TestSampleGolden: the bytes and the ranks of the first day. They are frozen:
// whoever published a seed has to draw the same sample for ever.
func TestSampleGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/sample.golden")
	if err != nil {
		t.Fatal(err)
	}
	l := lot(t)
	const item = "01726dd2-5380-7000-8000-000000000009 r1"
	if got := string(l.Bytes(item)); got != string(want) {
		t.Errorf("the bytes are %q, not %q", got, want)
	}
	const rank = "eba19ba117052b9e6004f2041a61c907336b116661e6a0d7b2b02de6acadb90d"
	if got := l.Rank(item).String(); got != rank {
		t.Errorf("the rank is %s, not %s", got, rank)
	}
	// By hand, with another program.
	sum := exec.CommandContext(t.Context(), "sha256sum")
	sum.Stdin = strings.NewReader(string(want))
	out, err := sum.Output()
	if err != nil || !strings.HasPrefix(string(out), rank) {
		t.Errorf("sha256sum says %s (%v)", out, err)
	}
	var got []string
	records := verify.Lot{Seed: l.Seed, Size: 17, Root: l.Root, Question: verify.RecordsQuestion}
	for _, d := range records.Draw(verify.RecordItems(17), 5) {
		got = append(got, d.Item)
	}
	if fmt.Sprint(got) != "[9 14 17 4 15]" {
		t.Errorf("drawn are %v", got)
	}
}

// TestDrawIsSorting: a draw is the beginning of all items in order of their
// ranks, whatever order they came in and however often.
func TestDrawIsSorting(t *testing.T) {
	l := lot(t)
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOf(rapid.StringMatching(`[a-c]{1,2}`)).Draw(t, "items")
		n := rapid.IntRange(0, 12).Draw(t, "n")
		want := slices.Compact(slices.Sorted(slices.Values(items)))
		slices.SortFunc(want, func(a, b string) int { return strings.Compare(l.Rank(a).String(), l.Rank(b).String()) })
		want = want[:min(n, len(want))]
		got := []string{}
		for _, d := range l.Draw(items, n) {
			got = append(got, d.Item)
			if d.Rank != l.Rank(d.Item) {
				t.Fatalf("%s has another rank", d.Item)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("drawn %v, not %v", got, want)
		}
		other := l
		other.Seed += "x"
		if l.Rank("a") == other.Rank("a") {
			t.Fatal("the seed does not matter")
		}
	})
}

// TestDrawIsFair: over many seeds each item is drawn about as often.
func TestDrawIsFair(t *testing.T) {
	l, items := lot(t), verify.RecordItems(20)
	seen := map[string]int{}
	const seeds = 4000
	for i := range seeds {
		l.Seed = fmt.Sprint(i)
		for _, d := range l.Draw(items, 5) {
			seen[d.Item]++
		}
	}
	for _, item := range items { // a quarter of 4,000, standard deviation 27
		if n := seen[item]; n < 1000-6*28 || n > 1000+6*28 {
			t.Errorf("%s was drawn %d times of 1,000", item, n)
		}
	}
}

// TestSampleSize compares with exact binomial coefficients.
func TestSampleSize(t *testing.T) {
	for _, c := range []struct {
		population        uint64
		share, confidence float64
		want              int
	}{{0, .05, .95, 59}, {0, .01, .95, 299}, {0, .10, .90, 22}, {0, .01, .99, 459}, {1, .05, .95, 1}, {0, 0, .95, 0}, {0, .05, 1, 0}} {
		if got := verify.SampleSize(c.population, c.share, c.confidence); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		population := rapid.Int64Range(1, 400).Draw(t, "population")
		percent := rapid.Int64Range(1, 60).Draw(t, "percent")
		confidence := rapid.SampledFrom([]int64{80, 90, 95, 99}).Draw(t, "confidence")
		faulty := population*percent/100 + 1
		// The chance of none among n, exactly: C(N-D, n) / C(N, n) <= 1 - confidence.
		rare := func(n int64) bool {
			none := new(big.Int).Binomial(population-faulty, n)
			all := new(big.Int).Binomial(population, n)
			return new(big.Int).Mul(none, big.NewInt(100)).Cmp(new(big.Int).Mul(all, big.NewInt(100-confidence))) <= 0
		}
		n := int64(verify.SampleSize(uint64(population), float64(percent)/100, float64(confidence)/100))
		if n < population && !rare(n) || n > 0 && faulty <= population && rare(n-1) {
			t.Fatalf("%d of %d for %d %% and %d %%", n, population, percent, confidence)
		}
	})
}

func TestBadLots(t *testing.T) {
	sound := lot(t)
	if err := sound.Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*verify.Lot){
		"no seed":           func(l *verify.Lot) { l.Seed = "" },
		"a long seed":       func(l *verify.Lot) { l.Seed = strings.Repeat("a", verify.MaxSeed+1) },
		"a line in a seed":  func(l *verify.Lot) { l.Seed = "a\nsize: 1" },
		"a space at an end": func(l *verify.Lot) { l.Seed = "a " },
		"no ASCII":          func(l *verify.Lot) { l.Seed = "é" },
		"no records":        func(l *verify.Lot) { l.Size = 0 },
		"no question":       func(l *verify.Lot) { l.Question = "" },
		"a line in it":      func(l *verify.Lot) { l.Question = "a\nb" },
	} {
		l := sound
		spoil(&l)
		if l.Check() == nil {
			t.Errorf("%s is taken", name)
		}
	}
	for _, q := range []ledger.Query{{}, {Measures: []ledger.Measure{ledger.Opened}, Unit: "x", AsOf: time.Unix(1, 0)}, {Measures: []ledger.Measure{ledger.Opened}, Unit: ledger.UnitCase}} {
		if got, err := verify.SampleQuestion(q, time.Unix(2, 0)); err == nil {
			t.Errorf("%+v is written %s", q, got)
		}
	}
}

// TestSampleMoments: a question has no moments by which the ranks could be steered, and
// one form.
func TestSampleMoments(t *testing.T) {
	last := time.Date(2020, 11, 26, 5, 4, 3, 2000, time.UTC)
	at := func(s string) time.Time {
		if s == "" {
			return time.Time{}
		}
		m, err := ledger.ParseMoment(s)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, c := range []struct {
		asOf, since string
		ok          bool
	}{
		{"2020-11-25", "", true},
		{"2020-11-26T05:04:03.000002Z", "", true},
		{"2020-11-25", "2020-11-01", true},
		{"2020-11-25", "2000-01-01", true},
		{"2020-11-25T16:59:59.002410Z", "", false}, // the moment of the attack
		{"2020-11-25T00:00:00Z", "", false},
		{"2020-11-26T05:04:03.000001Z", "", false},
		{"2020-11-26", "", false}, // the day had not ended
		{"2090-01-01", "", false},
		{"2020-11-25", "2020-11-01T00:00:00Z", false},
		{"2020-11-25", "2020-11-25", false}, // counts nothing
		{"2020-11-25", "2020-11-26", false},
		{"2020-11-25", "1999-12-31", false},
		{"2020-11-25", "0001-01-01", false},
	} {
		q := ledger.Query{Measures: []ledger.Measure{ledger.Sanctioned, ledger.NotFollowedUp}, Unit: ledger.UnitCase, AsOf: at(c.asOf), Since: at(c.since)}
		got, err := verify.SampleQuestion(q, last)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, verify.ErrSampleMoment) {
			t.Errorf("as of %s since %q: %q, %v", c.asOf, c.since, got, err)
		}
		slices.Reverse(q.Measures)
		if other, _ := verify.SampleQuestion(q, last); other != got {
			t.Errorf("the same sum is written %s and %s", got, other)
		}
	}
}

// TestSampleTable: a row of a file says what it was drawn by.
func TestSampleTable(t *testing.T) {
	l := lot(t)
	columns, rows := l.Sample("berkas.example/x", "office", 2, map[string][]string{"IV": {"a", "b", "c"}, "III": {"d"}}).Table()
	if len(rows) != 3 || !slices.IsSorted([]string{rows[0][0], rows[1][0]}) {
		t.Fatalf("%d rows: %v", len(rows), rows)
	}
	for _, row := range rows {
		if len(row) != len(columns) {
			t.Errorf("%d cells for %d columns", len(row), len(columns))
		}
		for name, want := range map[string]string{"seed": l.Seed, "checkpoint": "17", "root": l.Root.String(), "question": l.Question, "ledger": "berkas.example/x", "by": "office", "n": "2", "rule": verify.SampleRule} {
			if got := row[slices.Index(columns, name)]; got != want {
				t.Errorf("%s is %q, not %q", name, got, want)
			}
		}
	}
}
