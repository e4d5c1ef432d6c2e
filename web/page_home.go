package web

import (
	"net/http"

	"github.com/berkas-ledger/berkas/ledger"
)

// The front page: what this is, the main figures, and the way to every page.

type home struct {
	Head  uint64
	Login bool // there is something to log in to
	// Shown: there are figures, and whoever asks may see them.
	Shown    bool
	Asked    asked
	Headline headline
	Map      provinceMap
	Days     []sliderStep // voting days, oldest first
	Doors    []sitePage
}

func (s *Server) showHome(r *http.Request) (view, error) {
	page := home{Head: uint64(s.Head()), Login: !s.Open}
	for _, p := range site {
		if s.serves(p.Path) {
			page.Doors = append(page.Doors, p)
		}
	}
	v := view{Template: "home", Title: text{"Buku besar kasus netralitas ASN", "Ledger of civil-service neutrality cases"}}
	if s.Figures != nil && s.allow(r, needFigures) == nil {
		// The front page opens even when there are no figures, for instance
		// because nothing is recorded yet.
		if err := s.fillHome(r, &page); err != nil {
			s.Log.Info("the front page is without figures", "request", trailOf(r.Context()).id, "because", err)
		}
	}
	v.Data = page
	return v, nil
}

func (s *Server) fillHome(r *http.Request, page *home) error {
	ctx := r.Context()
	q := question{Query: ledger.Query{Unit: ledger.UnitRespondent}}
	extent, err := s.extent(ctx)
	if err != nil {
		return err
	}
	_, queries := q.queries()
	answers, err := s.Figures.Figures(ctx, queries)
	if err != nil {
		return err
	}
	all := answers[:len(ledger.MeasureTable)]
	drawn := ledger.Recommended
	rows, err := s.Figures.Breakdown(ctx, all[drawn:drawn+1], "province")
	if err != nil {
		return err
	}
	q.answered = momentOf(all[0].Query)
	page.Asked = q.askedOf(nationalPath, all[0], extent)
	page.Headline = q.headline(all)
	page.Map = q.mapOf(drawn.String(), all[drawn].Value, rows, 0)
	if !extent.First.IsZero() {
		for _, c := range votingDays(s.Roster().Contests(), ledger.DayOf(extent.First), ledger.DayOf(extent.Last)) {
			name, day := contestWord(c), dayText(c.Voting)
			label := text{name.ID + " (" + day.ID + ")", name.EN + " (" + day.EN + ")"}
			page.Days = append(page.Days, sliderStep{label, q.address(nationalPath, "as-of", string(c.Voting))})
		}
	}
	page.Shown = true
	return nil
}
