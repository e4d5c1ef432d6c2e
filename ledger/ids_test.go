package ledger_test

import (
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

func TestDates(t *testing.T) {
	for _, d := range []ledger.Date{"2020-11-26", "2020-02-29", "2000-02-29", "9999-12-31", "0001-01-01"} {
		if !d.Valid() || d.Start().IsZero() || d.End().IsZero() {
			t.Errorf("%s is a day", d)
		}
	}
	for _, d := range []ledger.Date{"", "2020-11", "2020-1-1", "2020-02-30", "2021-02-29", "1900-02-29", "2020-13-01", "2020-00-01", "2020-11-26T00:00:00Z", " 2020-11-26", "2020-11-26\n", "20-11-26", "２０２０-11-26"} {
		if d.Valid() || !d.Start().IsZero() || !d.End().IsZero() {
			t.Errorf("%q is no day", d)
		}
	}
}

// TestDaysAreThoseOfJakarta: a day begins at 17:00 UTC of the day before.
func TestDaysAreThoseOfJakarta(t *testing.T) {
	d := ledger.Date("2020-11-26")
	if want := moment(t, "2020-11-25T17:00:00Z"); !d.Start().Equal(want) {
		t.Errorf("the day begins at %v, want %v", d.Start(), want)
	}
	if want := moment(t, "2020-11-26T16:59:59.999999Z"); !d.End().Equal(want) {
		t.Errorf("the day ends at %v, want %v", d.End(), want)
	}
	if next := ledger.Date("2020-11-27").Start(); next.Sub(d.End()) != time.Microsecond {
		t.Errorf("between two days lie %v", next.Sub(d.End()))
	}
	zone, err := time.LoadLocation("Asia/Jakarta")
	if err != nil {
		t.Fatalf("%v: install the tzdata package", err)
	}
	for year := 1964; year < 2050; year++ {
		for _, month := range []time.Month{1, 4, 7, 10} {
			at := time.Date(year, month, 2, 3, 4, 5, 0, time.UTC)
			if a, b := at.In(zone).Format(time.RFC3339), at.In(ledger.Jakarta).Format(time.RFC3339); a != b {
				t.Errorf("%s in the zone's table, %s in ours", a, b)
			}
		}
	}
}

func TestParseMoment(t *testing.T) {
	for s, want := range map[string]string{
		"2020-11-26":                       "2020-11-26T16:59:59.999999Z",
		"2020-11-26T10:00:00+07:00":        "2020-11-26T03:00:00Z",
		"2020-11-26T10:00:00Z":             "2020-11-26T10:00:00Z",
		"0001-01-01T00:00:00Z":             "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59Z":             "9999-12-31T23:59:59Z",
		"2020-11-26T10:00:00.000001-03:30": "2020-11-26T13:30:00.000001Z",
	} {
		got, err := ledger.ParseMoment(s)
		if err != nil || !got.Equal(moment(t, want)) {
			t.Errorf("%s is %v, %v; want %s", s, got, err, want)
		}
	}
	for _, s := range []string{"", "today", "26-11-2020", "2020-11-26 10:00", "2020-11-26T10:00:00", "2020-11-26T10:00:00.0000001Z"} {
		if _, err := ledger.ParseMoment(s); err == nil || !strings.Contains(err.Error(), "2020-11-26T10:00:00+07:00") {
			t.Errorf("%q: %v, want an error with an example", s, err)
		}
	}
}

func TestIDs(t *testing.T) {
	for id, agency := range map[ledger.KeyID]ledger.AgencyID{
		"bkn/1": "bkn", "a-b/c-d": "a-b", "x/y/z": "", "bkn": "", "/1": "", "bkn/": "", "BKN/1": "", "bkn/1\n": "", "bkn/1 ": "",
		ledger.KeyID(strings.Repeat("a", 32) + "/" + strings.Repeat("b", 32)): ledger.AgencyID(strings.Repeat("a", 32)),
		ledger.KeyID(strings.Repeat("a", 33) + "/b"):                          "",
		ledger.KeyID("a/" + strings.Repeat("b", 33)):                          "",
	} {
		if id.Agency() != agency || id.Valid() != (agency != "") {
			t.Errorf("key %q is valid %v, of %q", id, id.Valid(), id.Agency())
		}
	}
	for _, a := range []ledger.AgencyID{"", "BKN", "b_n", "bkn\n", "bkn.x", "*", ">", ledger.AgencyID(strings.Repeat("a", 33))} {
		if a.Valid() {
			t.Errorf("%q may be an agency", a)
		}
	}
	for origin, ok := range map[string]bool{
		"berkas.example/pilkada-2020": true, "x": true, "a/b/c/d": true, "a/b/c/d/e": false, "": false, "/x": false, "x/": false,
		"x y": false, "x\n": false, "https://x": false, "X": false, "-x": false, "a..b": true,
		strings.Repeat("a", 63): true, strings.Repeat("a", 64): false,
	} {
		if ledger.ValidOrigin(origin) != ok {
			t.Errorf("origin %q: %v", origin, !ok)
		}
	}
}

func TestPublicKeys(t *testing.T) {
	good := namedKey("bkn/1").Public
	if k, err := good.Key(); err != nil || !k.Equal(publicKey("bkn/1")) {
		t.Errorf("a key reads as %v, %v", k, err)
	}
	for _, bad := range []ledger.PublicKey{"", good + "=", good[:43], good[1:] + "A", good[:42] + "B=", good[:20] + "\n" + good[21:], "AAAA", good + "AAAA"} {
		if k, err := bad.Key(); err == nil {
			t.Errorf("%q reads as %v", bad, k)
		}
	}
}

// TestEncodeWantsData: what Berkas itself writes is JSON, and time loses what
// no part of the system keeps.
func TestEncodeWantsData(t *testing.T) {
	e := openedEvent(t)
	for _, data := range []string{"", "{", "{} {}", `{"x":1,"x":2}`, "\xff"} {
		e.Data = []byte(data)
		if body, err := e.Encode(); err == nil {
			t.Errorf("data %q is written as %s", data, body)
		}
	}
	e = openedEvent(t)
	e.Time = e.Time.Add(999)
	if got := string(mustEncode(t, e)); got != string(goldenFile(t, "event.json")) {
		t.Errorf("nanoseconds are written: %s", got)
	}
	e = openedEvent(t)
	e.Subject = "bad\xff"
	if _, err := e.Encode(); err == nil {
		t.Error("an attribute that is not UTF-8 is written")
	}
	e = openedEvent(t)
	e.Subject = "a\"b\\c\u2028\n"
	if got := string(mustEncode(t, e)); !strings.Contains(got, `"subject":"a\"b\\c`) {
		t.Errorf("quotes are written as %s", got)
	}
}
