package web

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// Agencies name their tables by codes. A title says what is in them.

// publicationTitle is a publication in words.
type publicationTitle struct {
	Title text // whose, and what it counts
	Of    text // units, days, and what they are counted by
}

// titlesOf gives a title to each publication that figures are of.
func titlesOf(figures []projections.PublishedFigure) map[publicationKey]publicationTitle {
	of := map[publicationKey][]projections.PublishedFigure{}
	for _, f := range figures {
		key := publicationKey{f.Position, f.Table}
		of[key] = append(of[key], f)
	}
	out := make(map[publicationKey]publicationTitle, len(of))
	for key, list := range of {
		out[key] = titleOf(list)
	}
	return out
}

// titleOf gives the title of the figures of one publication.
func titleOf(list []projections.PublishedFigure) publicationTitle {
	var measures, units, filters []text
	var days []ledger.Date
	add := func(to *[]text, t text) {
		if !slices.Contains(*to, t) {
			*to = append(*to, t)
		}
	}
	for _, f := range list {
		name := measureWords(f.Measure)
		add(&measures, text{uncapitalised(name.ID), uncapitalised(name.EN)})
		add(&units, word("unit", string(f.Unit)))
		for filter := range f.Filter {
			add(&filters, word("filter", filter))
		}
		days = append(days, f.AsOf)
	}
	slices.SortFunc(filters, func(a, b text) int { return strings.Compare(a.ID, b.ID) })
	publisher, said := word("agency", string(list[0].Publisher)), listed(someOf(measures))
	counted, from, to := listed(units), slices.Min(days), slices.Max(days)
	out := publicationTitle{
		Title: text{publisher.ID + ": " + said.ID, publisher.EN + ": " + said.EN},
		Of:    text{counted.ID + ", per " + indonesian.day(to), counted.EN + ", as of " + english.day(to)},
	}
	if from != to {
		out.Of = text{counted.ID + ", per " + indonesian.day(from) + " – " + indonesian.day(to), counted.EN + ", as of " + english.day(from) + " – " + english.day(to)}
	}
	if len(filters) > 0 {
		by := listed(filters)
		out.Of.ID += "; juga menurut " + by.ID
		out.Of.EN += "; also by " + by.EN
	}
	return out
}

// measuresNamed is how many measures a title names at most.
const measuresNamed = 4

// someOf keeps as many measures as a title has room for, and counts the others.
func someOf(measures []text) []text {
	if len(measures) <= measuresNamed {
		return measures
	}
	named := measuresNamed - 1
	others := strconv.Itoa(len(measures) - named)
	return append(slices.Clone(measures[:named]), text{others + " ukuran lain", others + " other measures"})
}

// listed writes a list as a sentence does.
func listed(list []text) text {
	last := len(list) - 1
	if last < 1 {
		return list[0]
	}
	var id, en []string
	for _, t := range list[:last] {
		id, en = append(id, t.ID), append(en, t.EN)
	}
	comma := ""
	if last > 1 {
		comma = ","
	}
	return text{strings.Join(id, ", ") + comma + " dan " + list[last].ID, strings.Join(en, ", ") + " and " + list[last].EN}
}

// uncapitalised begins a word in small letters, but for abbreviations.
func uncapitalised(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if second, _ := utf8.DecodeRuneInString(s[n:]); unicode.IsUpper(second) {
		return s
	}
	return string(unicode.ToLower(first)) + s[n:]
}
