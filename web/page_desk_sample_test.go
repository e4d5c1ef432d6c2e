package web

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// deskDraws: a sample is what the ledger's own fold and package verify give, on the
// page, as JSON and as CSV, whatever is drawn.
func deskDraws(t *testing.T, d *deskShelf) {
	newest, early := d.sizes[len(d.sizes)-1], d.sizes[2]
	item := regexp.MustCompile(`data-item="([^"]+)"`)
	for _, query := range []string{
		"measure=not_followed_up&as-of=2020-11-26&seen-by=bkn&n=5",
		fmt.Sprintf("measure=opened&unit=case&n=300&checkpoint=%d&as-of=2020-12-31", early),
		"measure=recommended%2Bsanctioned&unit=ppk&n=7&filter=family%3Ddiscipline",
		"measure=recommended&unit=recommendation&n=3&by=office&as-of=2020-11-26",
		"measure=opened&by=item&n=2",
	} {
		values, err := url.ParseQuery(query + "&seed=sungai+2711")
		if err != nil {
			t.Fatal(err)
		}
		c, err := parseSample(values)
		if err != nil {
			t.Fatal(err)
		}
		size, q := newest, c.Query
		if c.size != 0 {
			size = early
		}
		q.KnownAt = size
		if q.AsOf.IsZero() {
			q.AsOf = d.records[size-1].Recorded
		}
		lot := verify.Lot{Seed: "sungai 2711", Size: size, Root: d.rootOf(size)}
		if lot.Question, err = verify.SampleQuestion(q, d.records[size-1].Recorded); err != nil {
			t.Fatal(err)
		}
		want := lot.Sample(d.Origin, c.By, c.n, verify.SampleStrata(d.knownBy(t, size), q, c.By))
		path := "/desk/sample?" + query + "&seed=sungai+2711"
		_, raw := d.page(path + "&format=json")
		var got verify.Sample
		if err := json.Unmarshal([]byte(raw), &got); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v\n%+v\nwant\n%+v", path, err, got, want)
		}
		body := d.says(path, lot.Question, "--seed 'sungai 2711'")
		_, table := d.page(path + "&format=csv")
		shown := item.FindAllStringSubmatch(body, -1)
		i := 0
		for _, s := range want.Strata {
			for _, one := range s.Drawn {
				if i >= len(shown) || html.UnescapeString(shown[i][1]) != one.Item || !strings.Contains(body, one.Rank) {
					t.Fatalf("%s: the page does not show %s", path, one.Item)
				}
				if !strings.Contains(table, one.Item+","+one.Rank) || !strings.Contains(table, lot.Question+`,"`+verify.SampleRule) {
					t.Errorf("%s: %s is not in the CSV", path, one.Item)
				}
				i++
			}
		}
		if i == 0 || i != len(shown) {
			t.Errorf("%s: %d lines of %d", path, len(shown), i)
		}
	}
	d.drawsRecords(newest)
	for language, words := range map[string]string{"id": "hari utuh", "en": "whole day"} {
		if _, body := d.page("/desk/sample?seed=a&as-of=2020-11-26T00:00:00Z&lang=" + language); !strings.Contains(body, "sample-moment") || !strings.Contains(body, words) {
			t.Errorf("in %s the page does not say why a moment is refused:\n%s", language, body)
		}
	}
	d.says("/desk/sample?lang=en&seed=a", "were published before anybody could know the seed")
	d.says("/desk/sample?lang=id&seed=a", "diumumkan sebelum benihnya dapat diketahui siapa pun")
	d.says("/desk/sample?lang=en", "docs/sampling.md", "Choose the seed after the checkpoint was witnessed")
	for path, want := range map[string]int{
		"seed=%00": 400, "seed=a%0Ab": 400, "seed=%20a": 400, "seed=" + strings.Repeat("a", 257): 400, "seed=a&seed=b": 400, "n=0": 400, "n=1001": 400, "n=x": 400,
		"checkpoint=10": 404, "checkpoint=x": 400, "draw=x": 400, "format=exe": 400, "format=csv": 400, "known-at=5": 400, "by=office&filter=office%3DIV": 400,
		"draw=records&by=office": 400, "measure=x": 400, "as-of=2090-01-01&seed=a": 400,
		"as-of=2020-11-26T16:59:59.002410Z&seed=a": 400, "since=2020-11-01T00:00:00Z&seed=a": 400, "since=1999-12-31&seed=a": 400, "as-of=2020-11-26T16:59:59.999999Z&seed=a": 200, "seed=a&by=institution": 422,
	} {
		if got, _ := d.page("/desk/sample?" + path); got != want {
			t.Errorf("%s: %d, not %d", path, got, want)
		}
	}
}

// drawsRecords: positions are drawn of the checkpoint's alone.
func (d *deskShelf) drawsRecords(newest ledger.Position) {
	d.t.Helper()
	for _, size := range []ledger.Position{257, newest} {
		lot := verify.Lot{Seed: "x", Size: size, Root: d.rootOf(size), Question: verify.RecordsQuestion}
		body := d.says(fmt.Sprintf("/desk/sample?draw=records&seed=x&n=4&checkpoint=%d", size), "question: records\nitem: ")
		for _, one := range lot.Draw(verify.RecordItems(size), 4) {
			if !strings.Contains(body, `href="/desk/replay?at=`+one.Item+`"`) || !strings.Contains(body, one.Rank.String()) {
				d.t.Errorf("record %s of %d is not shown", one.Item, size)
			}
		}
	}
}

func (d *deskShelf) rootOf(size ledger.Position) ledger.Hash {
	d.t.Helper()
	signed, err := d.log.Fetch(d.t.Context(), fmt.Sprintf("checkpoints/%d", size))
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := ledger.UnverifiedCheckpoint(signed)
	if err != nil {
		d.t.Fatal(err)
	}
	return c.Root
}

func TestQuoteShell(t *testing.T) {
	if got := quoteShell(`a'b $(rm)`); got != `'a'\''b $(rm)'` {
		t.Error(got)
	}
}
