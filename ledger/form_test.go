package ledger_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/berkas-ledger/berkas/ledger"
)

// forms say by regular expression what form.go says by hand.
var forms = map[string]*regexp.Regexp{
	"hash":    regexp.MustCompile(`^[0-9a-f]{64}$`),
	"code":    regexp.MustCompile(`^[a-z0-9-]{1,64}$`),
	"uuid":    regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`),
	"uuidv7":  regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`),
	"day":     regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`),
	"time":    regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`),
	"origin":  regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,62}(/[a-z0-9][a-z0-9.-]{0,62}){0,3}$`),
	"agency":  regexp.MustCompile(`^[a-z0-9-]{1,32}$`),
	"key":     regexp.MustCompile(`^[a-z0-9-]{1,32}/[a-z0-9-]{1,32}$`),
	"subject": regexp.MustCompile(`^ledger\.(roster|case\.[0-9a-f-]{36}|figures\.[a-z0-9-]{1,32}|refusal\.[a-z0-9-]{1,32})$`),
}

// FuzzTimes: days and recorded times are what time.Parse reads in their layouts.
func FuzzTimes(f *testing.F) {
	for _, s := range []string{
		"2026-11-26", "2024-02-29", "2023-02-29", "2026-13-01", "2026-00-10", "2026-10-00", "0000-01-01", "9999-12-31", "2026-1-1", "",
		"2026-11-26T03:10:00.000000Z", "2026-11-26T03:10:60.000000Z", "2026-11-26T24:00:00.000000Z", "2026-02-30T03:10:00.000000Z",
		"2026-11-26T03:10:00.00000Z", "2026-11-26T03:10:00,000000Z", "2026-11-26T03:10:00.000000z", "2026-11-26T03:10:00+00:00..", "2026-11-26T03:10:00.0+00:00Z",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		day, err := time.ParseInLocation(time.DateOnly, s, ledger.Jakarta)
		if got := ledger.Date(s).Start(); err == nil && got != day.UTC() || err != nil && !got.IsZero() {
			t.Errorf("day %q: %v, want %v %v", s, got, day.UTC(), err)
		}
		recorded, err := time.Parse(ledger.RecordedFormat, s)
		valid := err == nil && recorded.Format(ledger.RecordedFormat) == s
		if got, err := ledger.ParseRecorded(s); (err == nil) != valid || valid && got != recorded {
			t.Errorf("recorded %q: %v %v, want %v", s, got, err, recorded)
		}
	})
}

// FuzzForms: what is taken by hand is what the regular expression takes.
func FuzzForms(f *testing.F) {
	for _, s := range []string{
		"", "-", "/", "a/b", "a//b", "a/b/c/d", "a/b/c/d/e", ".a", "a/.b", "bawaslu/2026a", "berkas.example/pilkada-2020",
		"01759a2b-7c00-7000-8000-0000000000c1", "01759a2b-7c00-4000-8000-0000000000c1", "01759A2b-7c00-7000-8000-0000000000c1",
		"01759a2b-7c00-7000-c000-0000000000c1", "01759a2b_7c00-7000-8000-0000000000c1",
		"2026-11-26", "2026-11-26T10:00:00Z", "2026-11-26T10:00:00.123456+07:00", "2026-11-26T10:00:00.1234567Z",
		"2026-11-26T10:00:00.Z", "2026-11-26T10:00:00+24:00", "2026-11-26T10:00:00-23:59", "2026-11-26T10:00:00+23:60",
		"2026-11-26t10:00:00Z", "2026-11-26T10:00:00", "2026-11-26T10:00:00+0700", "2026-11-26T10:00:00.1\n", "2026-11-26\n",
		strings.Repeat("a", 32), strings.Repeat("a", 33), strings.Repeat("f", 64), strings.Repeat("g", 64), strings.Repeat("a", 65),
		"ledger.roster", "ledger.rosters", "ledger.case.01759a2b-7c00-7000-8000-0000000000c1", "ledger.case.x", "ledger.figures.bkn",
		"ledger.figures.", "ledger.refusal.bkn", "ledger.refusal.B", "ledger.case.------------------------------------",
		strings.Repeat("a", 63) + "/" + strings.Repeat("b", 64), "a\x00", "é",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, want := range forms {
			if got := ledger.Forms[name](s); got != want.MatchString(s) {
				t.Errorf("%s %q: %v", name, s, got)
			}
		}
	})
}

// FuzzHarmless: the quick look lets nothing pass that a walk would find.
func FuzzHarmless(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":"0812 3456 7890"}`, `{"a":"08-12.34/56 78 90"}`, `{"a":81234567890}`, `{"a":"08123","b":"4567890"}`,
		`{"0812345678901":1}`, `{"a":"x@y"}`, `{"a":"x\u0040y"}`, `{"a":"` + sealedValue(sealedHeader) + `"}`, `{"a":"\u0065yJ"}`,
		strings.Repeat(`{"a":`, 17) + `1` + strings.Repeat(`}`, 17), strings.Repeat(`{"a":`, 16) + `1` + strings.Repeat(`}`, 16),
		`{"a":-1234567890.5e10}`, `{"a":"{[{[{[{[{[{[{[{[{["}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v := jsontext.Value(data)
		if !v.IsValid() || v.Kind() != '{' {
			return
		}
		if ledger.Harmless(data) && ledger.WalkData(data) {
			t.Errorf("%q was let pass", data)
		}
	})
}
