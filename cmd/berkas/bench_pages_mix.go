package main

import (
	"maps"
	"math/rand/v2"
	"net/url"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// pageQuestions draws addresses of pages, by a seed.
type pageQuestions struct {
	*rand.Rand
	b    *benchPages
	days int // of the history
	mix  []benchPage
}

func newPageQuestions(b *benchPages, seed uint64) *pageQuestions {
	first := ledger.Date("2020-02-01").Start()
	q := &pageQuestions{Rand: rand.New(rand.NewPCG(1, seed)), b: b, days: int(b.last.Sub(first) / (24 * time.Hour))}
	q.mix = q.pages()
	return q
}

// benchPage is one page of the mix, with its share.
type benchPage struct {
	name  string
	share int
	path  func() string
}

func (q *pageQuestions) pages() []benchPage {
	plain := func(path string) func() string { return func() string { return path } }
	return []benchPage{
		{"/", 4, plain("/")},
		{"/national", 24, q.national("/national")},
		{"/national by", 10, q.national("/national", "by", "province")},
		{"/v1/national", 8, q.national("/v1/national")},
		{"/treatment", 8, q.times("/treatment")},
		{"/backlog", 8, q.times("/backlog")},
		{"/worklist", 8, q.times("/worklist", "agency", "bkn")},
		{"/published", 4, plain("/published")},
		{"/cases", 8, q.national("/cases", "measure", "blocked")},
		{"/cases/{id}", 10, func() string { return "/cases/" + q.b.samples[q.IntN(len(q.b.samples))] }},
		{"/search", 4, func() string { return "/search?q=" + []string{"73.71", "kasn", "SIM-12"}[q.IntN(3)] }},
		{"/public", 4, plain("/public")},
	}
}

// next draws a page.
func (q *pageQuestions) next() (name, path string) {
	sum := 0
	for _, p := range q.mix {
		sum += p.share
	}
	n := q.IntN(sum)
	for _, p := range q.mix {
		if n -= p.share; n < 0 {
			return p.name, p.path()
		}
	}
	return q.mix[0].name, q.mix[0].path()
}

// day draws a day of the history, and one from there on.
func (q *pageQuestions) day() (asOf, known ledger.Date) {
	n := q.IntN(q.days)
	later := n + 1 + q.IntN(q.days-n)
	first := ledger.Date("2020-02-01").Start()
	date := func(days int) ledger.Date {
		return ledger.Date(first.AddDate(0, 0, min(days, q.days-1)).In(ledger.Jakarta).Format(time.DateOnly))
	}
	return date(n), date(later)
}

// times asks for a random day, and a third of the time as it was known then.
func (q *pageQuestions) times(path string, more ...string) func() string {
	return func() string {
		v := url.Values{}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		asOf, known := q.day()
		v.Set("as-of", string(asOf))
		if q.IntN(3) == 0 {
			v.Set("known-at", string(known))
		}
		return path + "?" + v.Encode()
	}
}

// national is times with a unit, an observer and filters now and then.
func (q *pageQuestions) national(path string, more ...string) func() string {
	return func() string {
		address := q.times(path, more...)()
		v := url.Values{}
		if q.IntN(2) == 0 {
			v.Set("unit", []string{"case", "respondent"}[q.IntN(2)])
		}
		if q.IntN(4) == 0 {
			v.Set("seen-by", []string{"bkn", "kasn", "bawaslu"}[q.IntN(3)])
		}
		if q.IntN(3) == 0 {
			v.Add("filter", []string{"province=73", "office=IV", "class=jpt-pratama", "contest=pilkada-2024", "family=discipline"}[q.IntN(5)])
		}
		if len(v) == 0 {
			return address
		}
		return address + "&" + v.Encode()
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
