package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

// The public page: the tables of quarters, each published once on its day and
// never changed. Nobody needs a credential, and nobody learns here what would
// need one.

const publicPath = "/public"

func (s *Server) describePublic() {
	s.serve("GET /public", needNothing, s.showPublic)
	s.serve("GET /public/{quarter}", needNothing, s.showPublic)
	s.serve("GET /public/data/{file}", needNothing, s.getPublicData)
	s.serve("GET /public/policy", needNothing, s.getPublicPolicy)
}

// releases keeps what was made. A published one never changes; a preview is of
// the position that it names, and made anew when records have come.
type releases struct {
	made    *prepared[releaseKey, *release]
	fullest *prepared[quarter, fullest] // by the newest quarter that is previewed
	totals  map[quarterAsKnown][]uint64 // of whoever has the workshop's turn
}

// mostReleases bounds the quarters that are kept: a hundred years, and previews.
const mostReleases = 1000

type releaseKey struct {
	quarter quarter
	preview bool
}

// fullest is the previewed quarter in which most was opened, as known at a
// position.
type fullest struct {
	quarter quarter
	known   ledger.Position
}

// quarterAsKnown is a quarter as known at a position.
type quarterAsKnown struct {
	quarter quarter
	known   ledger.Position
}

func newReleases(w *workshop) releases {
	return releases{newPrepared[releaseKey, *release](w, mostReleases), newPrepared[quarter, fullest](w, 1), map[quarterAsKnown][]uint64{}}
}

// calendar says which quarters are published.
type calendar struct {
	Published []quarter // the newest first
	Preview   []quarter // of a rehearsal, not yet published; the newest first
	Next      quarter   // the next to be published
	settled   ledger.Position
}

func (c calendar) has(q quarter) bool { return slices.Contains(c.Published, q) }

// chosen is the quarter to show when none is asked for: the newest that is
// published and made, or in a preview the one in which most was opened.
func (s *Server) chosen(ctx context.Context, c calendar) (quarter, bool, error) {
	if len(c.Published) > 0 {
		for _, q := range c.Published {
			if _, made := s.releases.made.have(releaseKey{q, false}); made {
				return q, true, nil
			}
		}
		return c.Published[0], true, nil
	}
	if len(c.Preview) == 0 {
		return 0, false, nil
	}
	current := func(f fullest) bool { return f.known == c.settled }
	f, err := s.releases.fullest.get(ctx, c.Preview[0], current, func(ctx context.Context) (fullest, error) { return s.findFullest(ctx, c) })
	return f.quarter, err == nil, err
}

// findFullest asks of each preview how many were opened.
func (s *Server) findFullest(ctx context.Context, c calendar) (fullest, error) {
	var queries []ledger.Query
	for _, q := range c.Preview {
		queries = append(queries, ledger.Query{
			Measures: publicMeasures[:1], Unit: ledger.UnitRespondent, Since: q.since(), AsOf: q.asOf(), KnownAt: c.settled,
		})
	}
	answers, err := s.patientFigures(ctx, queries)
	if err != nil {
		return fullest{}, err
	}
	best := 0
	for i, a := range answers {
		if a.Value > answers[best].Value {
			best = i
		}
	}
	return fullest{c.Preview[best], c.settled}, nil
}

// calendar reads how far the ledger is. A quarter is published when something
// was recorded after its cut, so that nothing can be added before it; and when
// something was recorded before it: the ledger tells nothing of the time before
// it began.
func (s *Server) calendar(ctx context.Context) (calendar, error) {
	if s.Figures == nil {
		return calendar{}, errUnavailable
	}
	p, err := s.Figures.Progress(ctx)
	if err != nil {
		return calendar{}, figureError(err)
	}
	if p.Position == 0 {
		return calendar{}, errUnavailable
	}
	e, err := s.extent(ctx)
	if err != nil {
		return calendar{}, err
	}
	c := calendar{settled: p.Position}
	c.Published, c.Next = publishedBetween(e.Recorded, p.Recorded)
	if s.Demo == "" || e.First.IsZero() {
		return c, nil
	}
	for q := quarterAt(e.Last); q >= quarterAt(e.First); q-- {
		if !c.has(q) && q.asOf().Before(p.Recorded) {
			c.Preview = append(c.Preview, q)
		}
	}
	return c, nil
}

// publishedBetween lists the quarters whose cut lies between the first and the
// last record of a ledger, the newest first, and the one that comes next.
func publishedBetween(first, last time.Time) ([]quarter, quarter) {
	var list []quarter
	q := quarterAt(first) - 2 // its cut lies more than a quarter after it
	for q.cut().Before(first) {
		q++
	}
	for ; q.cut().Before(last); q++ {
		list = append(list, q)
	}
	slices.Reverse(list)
	return list, q
}

// release gives what is published of a quarter.
func (s *Server) release(ctx context.Context, c calendar, q quarter) (*release, error) {
	published := c.has(q)
	if !published && !slices.Contains(c.Preview, q) {
		return nil, errNotFound
	}
	if published && s.Files == nil {
		return nil, errUnavailable
	}
	current := func(r *release) bool { return published || r.Position == c.settled }
	return s.releases.made.get(ctx, releaseKey{q, !published}, current, func(ctx context.Context) (*release, error) {
		if published {
			return s.published(ctx, c, q)
		}
		return s.preview(ctx, c, q)
	})
}

// preparePublic makes the releases that are not made, the newest first: it is
// what readers want.
func (s *Server) preparePublic(ctx context.Context) error {
	c, err := s.calendar(ctx)
	if err != nil {
		return err
	}
	if len(c.Published) == 0 {
		q, some, err := s.chosen(ctx, c)
		if err != nil || !some {
			return err
		}
		_, err = s.release(ctx, c, q)
		return err
	}
	for _, q := range c.Published {
		if _, err := s.release(ctx, c, q); err != nil {
			return err
		}
	}
	return nil
}

// published makes the release of a quarter's day.
func (s *Server) published(ctx context.Context, c calendar, q quarter) (*release, error) {
	known, err := s.Figures.PositionAt(ctx, q.cut())
	if err != nil {
		return nil, figureError(err)
	}
	root, err := s.rootAt(ctx, known)
	if err != nil {
		return nil, err
	}
	r, err := s.makeRelease(ctx, q, known)
	if err != nil {
		return nil, err
	}
	r.Root = root
	r.Restated, err = s.restatements(ctx, c, q)
	return r, err
}

// preview makes what a rehearsal shows of a quarter that is not published. A log
// that is behind does not keep it from that.
func (s *Server) preview(ctx context.Context, c calendar, q quarter) (*release, error) {
	r, err := s.makeRelease(ctx, q, c.settled)
	if err != nil {
		return nil, err
	}
	r.Preview = true
	if root, err := s.rootAt(ctx, c.settled); err == nil {
		r.Root = root
	}
	return r, nil
}

// restatements follows the earlier quarters up to the table of one.
func (s *Server) restatements(ctx context.Context, c calendar, q quarter) ([]restatement, error) {
	var out []restatement
	for earlier := q - 1; earlier >= q-restatedFor; earlier-- {
		if !c.has(earlier) {
			continue
		}
		var totals [][]uint64
		for at := earlier; at <= q; at++ {
			known, err := s.Figures.PositionAt(ctx, at.cut())
			if err != nil {
				return nil, figureError(err)
			}
			list, err := s.totalsOf(ctx, quarterAsKnown{earlier, known})
			if err != nil {
				return nil, err
			}
			totals = append(totals, list)
		}
		out = append(out, restate(earlier, totals)...)
	}
	return out, nil
}

// totalsOf gives the national counts of a quarter, which are kept: they never
// change.
func (s *Server) totalsOf(ctx context.Context, key quarterAsKnown) ([]uint64, error) {
	if list, ok := s.releases.totals[key]; ok {
		return list, nil
	}
	answers, err := s.publicTotals(ctx, ledger.Query{
		Unit: ledger.UnitRespondent, Since: key.quarter.since(), AsOf: key.quarter.asOf(), KnownAt: key.known,
	})
	if err != nil {
		return nil, err
	}
	list := make([]uint64, len(answers))
	for i, a := range answers {
		list[i] = a.Value
	}
	s.releases.totals[key] = list
	return list, nil
}

// rootAt is the root of the log when it had so many records.
func (s *Server) rootAt(ctx context.Context, p ledger.Position) (*ledger.Hash, error) {
	if s.Files == nil {
		return nil, errUnavailable
	}
	_, c, err := s.newest(ctx)
	if err != nil {
		return nil, err
	}
	if p > c.Size {
		return nil, errNotSealed
	}
	root, err := transparency.NewProver(s.Files, c).Root(ctx, p)
	return &root, err
}

type publicPage struct {
	Calendar calendar
	Release  *release // nil: nothing is published yet
	Root     string
	Funnel   []funnelLine
	Tables   []publicTable
	Least    int
	Median   int
	CSV      string
	JSON     string
	Ask      string // how to count a table again
}

// funnelLine is a stage of the national funnel.
type funnelLine struct {
	publicCell
	Share string // of the largest, in per cent, for its bar
}

func (s *Server) showPublic(w http.ResponseWriter, r *http.Request) error {
	if _, err := parseValues(r.URL.RawQuery, "lang"); err != nil {
		return err
	}
	c, err := s.calendar(r.Context())
	if err != nil {
		return err
	}
	page := publicPage{Calendar: c, Least: leastPublic, Median: leastMedian}
	q, some := parseQuarter(r.PathValue("quarter"))
	if r.PathValue("quarter") == "" {
		if q, some, err = s.chosen(r.Context(), c); err != nil {
			return err
		}
	} else if !some {
		return errNotFound
	}
	if some {
		if page.Release, err = s.release(r.Context(), c, q); err != nil {
			return err
		}
		page.show()
	}
	title := text{"Tabel publik", "Public tables"}
	if some {
		title = text{title.ID + ", " + strings.ToLower(q.Name().ID[:1]) + q.Name().ID[1:], title.EN + ", " + strings.ToLower(q.Name().EN[:1]) + q.Name().EN[1:]}
	}
	return s.render(w, r, view{Template: "public", Title: title, Data: page})
}

func (p *publicPage) show() {
	r := p.Release
	if r.Root != nil {
		p.Root = rootText(*r.Root)
	}
	var most uint64 = 1
	for _, c := range r.Total {
		most = max(most, c.Value)
	}
	for _, c := range r.Total {
		p.Funnel = append(p.Funnel, funnelLine{c, printers[english].Sprintf("%.2f", 100*float64(c.Value)/float64(most)) + "%"})
	}
	p.CSV, p.JSON = publicPath+"/data/"+r.Quarter.String()+".csv", publicPath+"/data/"+r.Quarter.String()+".json"
	p.Ask = "berkas national --measure " + publicMeasures[0].String() + " --by province --since " + string((r.Quarter - 1).To()) +
		" --as-of " + string(r.Quarter.To()) + " --known-at " + strconv.FormatUint(uint64(r.Position), 10)
}

// getPublicPolicy gives the policy by which the ledger can be judged.
func (s *Server) getPublicPolicy(w http.ResponseWriter, r *http.Request) error {
	policy, ok := s.deskPolicy()
	if !ok {
		return errUnavailable
	}
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Type", noteType)
	_, _ = w.Write([]byte(policy.Text())) // whoever has gone hears nothing
	return nil
}

// measureSays defines a measure.
func measureSays(m ledger.Measure) text {
	info := ledger.MeasureTable[m]
	return text{info.Indonesian, info.English}
}
