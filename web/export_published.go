package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"github.com/berkas-ledger/berkas/exports"
	"github.com/berkas-ledger/berkas/projections"
)

// Published figures as a file: what the page shows that asks the same.

func (s *Server) listPublished(r *http.Request, raw string) (*list, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, err
	}
	if values.Has("page") {
		return nil, badQuery("page", "a file has every page")
	}
	q, err := parsePublishedQuestion(values)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	var all *compared
	// Whoever waits for a file waits for what it is made of.
	if err := patiently(func() (err error) { all, _, err = s.compare(ctx, &q); return err }); err != nil {
		return nil, err
	}
	_, lines, _ := q.chosen(all.lines)
	out := &list{
		name: "published", title: text{"Angka terbitan di samping angka buku besar", "Published figures beside the ledger's"}, known: cmp.Or(all.known, all.settled.Position), asOf: all.settled.Recorded,
		about: q.about(langOf(ctx), all),
		columns: []listColumn{
			{"table", text{"terbitan", "the publication"}},
			{"publisher", text{"penerbit", "who published"}},
			{"seen_by", text{"pandangan siapa", "whose view"}},
			{"measure", text{"ukuran", "the measure"}},
			{"name", text{"dengan kata-kata", "in words"}},
			{"unit", text{"satuan", "unit"}},
			{"filter", text{"penyaring", "filters"}},
			{"since", text{"sejak", "since"}},
			{"as_of", text{"sampai hari itu", "up to that day"}},
			{"published", text{"angka yang terbit", "the published figure"}},
			{"ledger", text{"angka buku besar; kosong: tidak dapat ditanyakan", "the ledger's; empty: it cannot be asked for"}},
			{"difference", text{"buku besar dikurangi terbitan", "the ledger's minus the published"}},
			{"reason", text{"yang diketahui tentang bedanya", "what is known of the difference"}},
			{"source", text{"sumber", "source"}},
			{"doubt", text{"keraguan sumber", "how firm the source is"}},
			{"restates", text{"terbitan yang digantikan", "the publication it replaces"}},
			{"position", text{"posisi catatan yang menerbitkan", "position of the record that published it"}},
			columnKnown,
		},
	}
	l := langOf(ctx)
	out.rows = func(_ context.Context, add func(exports.Row) error) error {
		for i := range lines {
			if err := add(publishedRow(l, &lines[i])); err != nil {
				return err
			}
		}
		return nil
	}
	return out, nil
}

func publishedRow(l lang, line *projections.Line) exports.Row {
	f := line.Figure
	var ours, difference, known any
	if line.Problem == "" {
		ours, difference, known = line.Answer.Value, line.Difference, uint64(line.Answer.Query.KnownAt)
	}
	return exports.Row{
		f.Table, string(f.Publisher), string(f.SeenBy), f.Measure, measureWords(f.Measure).in(l), string(f.Unit), filterText(f.Filter), f.Since, f.AsOf,
		f.Value, ours, difference, string(line.Reason), f.Source, string(f.Doubt), f.Restates, uint64(f.Position), known,
	}
}

// about says the question of a file in words.
func (q *publishedQuestion) about(l lang, all *compared) []exports.Line {
	publisher, table, reason := text{"semua lembaga", "every agency"}, text{"semua terbitan", "every publication"}, text{"semua", "all"}
	if q.publisher != "" {
		publisher = word("agency", string(q.publisher))
	}
	if q.table != "" {
		table = text{q.table, q.table}
	}
	if q.reason != "" {
		reason = word("difference", q.reason)
	}
	known := text{"posisi tempat masing-masing angka diterbitkan", "the position where each figure was published"}
	if all.known > 0 {
		known = text{indonesian.number(all.known), english.number(all.known)}
	}
	out := []exports.Line{
		{Name: text{"Penerbit", "Publisher"}.in(l), Text: publisher.in(l)},
		{Name: text{"Terbitan", "Publication"}.in(l), Text: table.in(l)},
		{Name: text{"Selisih", "Difference"}.in(l), Text: reason.in(l)},
		{Name: text{"Diketahui sampai", "Known at"}.in(l), Text: known.in(l)},
	}
	for _, o := range all.olderFigures() {
		out = append(out, exports.Line{Name: text{"Angka lebih lama yang tidak termasuk", "Older figures left out"}.in(l), Text: word("agency", string(o.Publisher)).in(l) + ": " + l.number(o.N)})
	}
	return out
}
