package web

import (
	"context"
	"net/http"
	"slices"

	"github.com/berkas-ledger/berkas/exports"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/rates"
)

// The backlog as files: by deadline and party, by authority, and over time. Each
// obligation by itself is in the file of the work list.

// backlogList answers a question of the backlog for a file.
func (s *Server) backlogList(r *http.Request, raw string) (projections.Backlog, error) {
	values, err := parseValues(raw, "agency", "as-of", "known-at", "lang")
	if err != nil {
		return projections.Backlog{}, err
	}
	q, err := parseBacklogQuestion(values)
	if err != nil {
		return projections.Backlog{}, err
	}
	b, _, err := s.backlog(r.Context(), &q)
	return b, err
}

// file is the address of a file of the answer.
func (q *backlogQuestion) file(name string) string {
	return q.atAnswer(exportPath + "/" + name)
}

// backlogColumns say in each row what was asked.
var backlogColumns = []listColumn{
	{"agency", text{"yang harus bertindak atau mengawasi; kosong: siapa pun", "who has to act or to watch; empty: anybody"}},
	columnAsOf, columnKnown,
}

func backlogCells(b *projections.Backlog) exports.Row {
	return exports.Row{string(b.Query.Agency), b.Query.AsOf, uint64(b.Query.KnownAt)}
}

// listOfBacklog is a list of a backlog, without its columns and rows.
func listOfBacklog(l lang, name string, title text, b *projections.Backlog) *list {
	who := text{"siapa pun", "anybody"}
	if b.Query.Agency != "" {
		who = word("agency", string(b.Query.Agency))
	}
	return &list{
		name: name, title: title, known: b.Query.KnownAt, asOf: b.Query.AsOf,
		about: []exports.Line{
			{Name: text{"Bertindak atau mengawasi", "Acts or watches"}.in(l), Text: who.in(l)},
			{Name: text{"Keadaan per", "As of"}.in(l), Text: l.moment(b.Query.AsOf)},
			{Name: text{"Diketahui sampai", "Known at"}.in(l), Text: l.number(b.Query.KnownAt) + ", " + l.moment(b.Known)},
			{Name: text{"Menunggu", "Pending"}.in(l), Text: l.number(b.All.Pending)},
			{Name: text{"Lewat tenggat", "Overdue"}.in(l), Text: l.number(b.All.Overdue)},
			{Name: text{"Ketentuan tercatat", "Regimes published"}.in(l), Text: l.number(len(b.Rules.Regimes))},
		},
	}
}

func (s *Server) listBacklog(r *http.Request, raw string) (*list, error) {
	b, err := s.backlogList(r, raw)
	if err != nil {
		return nil, err
	}
	l := langOf(r.Context())
	out := listOfBacklog(l, "backlog", text{"Tunggakan menurut tenggat dan pihak", "Backlog by deadline and party"}, &b)
	out.columns = append([]listColumn{
		{"code", text{"kode tenggat", "code of the deadline"}},
		{"name", text{"dengan kata-kata", "in words"}},
		{"owed_by", text{"yang perlu bertindak", "who has to act"}},
		{"owed_by_name", text{"dengan kata-kata", "in words"}},
		{"right", text{"boleh, tidak wajib; di luar hitungan tunggakan", "may be done and need not; no part of the backlog"}},
		{"pending", text{"yang menunggu", "pending"}},
		{"overdue", text{"di antaranya lewat tenggat", "of them overdue"}},
		{"undated", text{"di antaranya tanpa tenggat", "of them without a due day"}},
		{"soon", text{"di antaranya jatuh tempo dalam 7 hari", "of them due within 7 days"}},
		{"provisional", text{"di antaranya dapat bergeser oleh libur yang terbit kemudian", "of them such that holidays published later may move"}},
		{"oldest", text{"awal yang paling lama menunggu", "when the longest of them began"}},
		{"regime", text{"ketentuan", "regime"}},
		{"basis", text{"dasar", "basis"}},
		{"doubt", text{"keraguan sumber", "how firm the sources are"}},
	}, backlogColumns...)
	out.rows = rowEach(b.Heaps, backlogCells(&b), func(h *projections.Heap) exports.Row {
		return exports.Row{
			h.Code, word("deadline", h.Code).in(l), h.OwedBy, partyWord(h.OwedBy).in(l), h.Right, h.Tally.Pending, h.Tally.Overdue, h.Tally.Undated,
			h.Tally.Soon, h.Tally.Provisional, orEmpty(h.Tally.Oldest), h.Regime, h.Basis, string(h.Doubt),
		}
	})
	return out, nil
}

func (s *Server) listAuthorities(r *http.Request, raw string) (*list, error) {
	b, err := s.backlogList(r, raw)
	if err != nil {
		return nil, err
	}
	l := langOf(r.Context())
	out := listOfBacklog(l, "backlog-authorities", text{"Keputusan yang ditunggu dari PPK", "Decisions that authorities owe"}, &b)
	out.columns = append([]listColumn{
		{"authority", text{"PPK; kosong: tidak disebut catatan", "the appointing authority; empty: no record names it"}},
		{"name", text{"dengan kata-kata", "in words"}},
		{"owed", text{"kasus yang pernah menunggu keputusannya", "cases in which it ever owed a decision"}},
		{"overdue", text{"di antaranya lewat tenggat", "of them overdue"}},
		{"open", text{"di antaranya menunggu, belum lewat", "of them pending, not overdue"}},
		{"decided", text{"di antaranya sudah diputus", "of them decided"}},
		{"ended", text{"di antaranya berakhir karena lain", "of them ended otherwise"}},
		{"rate", text{"bagian yang lewat tenggat, 0 sampai 1", "share overdue, from 0 to 1"}},
		{"low", text{"ujung bawah rentang 95% (Wilson)", "lower end of the 95% interval (Wilson)"}},
		{"high", text{"ujung atasnya", "its upper end"}},
		{"oldest_due", text{"hari jatuh tempo pertama yang lewat", "the first due day that is over"}},
	}, backlogColumns...)
	out.rows = rowEach(b.Authorities, backlogCells(&b), func(a *projections.AuthorityTally) exports.Row {
		i := rates.Wilson(uint64(a.Overdue), uint64(a.Owed), confidence)
		return exports.Row{
			a.Authority, authorityWord(a.Authority).in(l), a.Owed, a.Overdue, a.Open, a.Decided, a.Ended,
			float64(a.Overdue) / float64(max(1, a.Owed)), i.Low, i.High, a.OldestDue,
		}
	})
	return out, nil
}

func (s *Server) listBacklogTrend(r *http.Request, raw string) (*list, error) {
	b, err := s.backlogList(r, raw)
	if err != nil {
		return nil, err
	}
	out := listOfBacklog(langOf(r.Context()), "backlog-trend", text{"Tunggakan dari waktu ke waktu", "Backlog over time"}, &b)
	out.columns = append([]listColumn{
		{"at", text{"keadaan pada saat itu", "as it stood then"}},
		{"pending", text{"yang menunggu", "pending"}},
		{"overdue", text{"di antaranya lewat tenggat", "of them overdue"}},
	}, backlogColumns...)
	out.rows = rowEach(b.Trend, backlogCells(&b), func(t *projections.TrendCount) exports.Row {
		return exports.Row{t.At, t.Pending, t.Overdue}
	})
	return out, nil
}

// rowEach gives each of a list its row, and in it what was asked.
func rowEach[T any](list []T, asked exports.Row, row func(*T) exports.Row) func(context.Context, func(exports.Row) error) error {
	return func(_ context.Context, add func(exports.Row) error) error {
		for i := range list {
			if err := add(slices.Concat(row(&list[i]), asked)); err != nil {
				return err
			}
		}
		return nil
	}
}
