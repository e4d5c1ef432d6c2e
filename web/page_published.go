package web

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// Published figures beside the ledger's of the same day. Nothing is made to agree.

const publishedPath = "/published"

// knownPublished asks for each figure what the ledger held where it was published.
const knownPublished = "published"

// publishedReasons are what a difference may be put down to.
var publishedReasons = []projections.Reason{
	projections.ReasonEqual, projections.ReasonLate, projections.ReasonWindow, projections.ReasonObserver, projections.ReasonUnit,
	projections.ReasonDuplicate, projections.ReasonScope, projections.ReasonUnknown, projections.ReasonNotSettled,
}

var publicationName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// publishedQuestion is what the page is asked.
type publishedQuestion struct {
	publisher ledger.AgencyID
	table     string
	reason    string
	known     string // "": the latest; published; or a position, date or time
	page      int    // of publications, from 1
}

// publicationsShown is how many publications a page shows, the newest first.
const publicationsShown = 10

func parsePublishedQuestion(values url.Values) (publishedQuestion, error) {
	values, err := parseValues(values.Encode(), "publisher", "table", "reason", "known-at", "page", "lang")
	if err != nil {
		return publishedQuestion{}, err
	}
	page, err := pageNumber(values)
	if err != nil {
		return publishedQuestion{}, err
	}
	q := publishedQuestion{ledger.AgencyID(values.Get("publisher")), values.Get("table"), values.Get("reason"), values.Get("known-at"), page}
	switch {
	case q.publisher != "" && !q.publisher.Valid():
		return q, badQuery("publisher", "it is an agency of /v1/codes/agencies")
	case q.table != "" && !publicationName.MatchString(q.table):
		return q, badQuery("table", "it is the short code of a publication")
	case q.reason != "" && !slices.Contains(publishedReasons, projections.Reason(q.reason)):
		return q, badQuery("reason", "it is a reason that the page names")
	}
	return q, nil
}

func (q *publishedQuestion) address(path string, changes ...string) string {
	v := url.Values{}
	changes = append([]string{"publisher", string(q.publisher), "table", q.table, "reason", q.reason, "known-at", q.known, "page", pageText(q.page)}, changes...)
	for i := 0; i+1 < len(changes); i += 2 {
		if v.Del(changes[i]); changes[i+1] != "" {
			v.Set(changes[i], changes[i+1])
		}
	}
	return (&url.URL{Path: path, RawQuery: v.Encode()}).String()
}

type publishedPage struct {
	Tables           []publication
	Equal, Differ    int // of all pages
	Publications     int // likewise
	From, To         int // those shown, from 1
	Before, After    string
	Settled          projections.Settled // how far the tables were when this was counted
	Now              ledger.Position     // how far they are, 0 if no farther
	Latest           bool                // known at Settled
	Reconciliation   bool                // there is anything to compare
	Reasons          []reasonCount
	Publishers       []option
	Codes            []option
	Modes            []modeLink
	Known            string // as it was written, where it is no mode
	AsPublished      bool
	KnownAt          ledger.Position // 0: of each figure its own
	Series           []figureSeries
	Against          []againstGroup
	Reason           string
	NothingPublished bool
	Export           exportLinks
}

// reasonCount is how many figures differ for one reason.
type reasonCount struct {
	Reason projections.Reason
	N      int
	Href   string
	Chosen bool
}

// publication is one table as an agency published it.
type publication struct {
	Table     string
	Publisher ledger.AgencyID
	Doubt     ledger.Doubt
	Source    string
	Restates  string
	Position  ledger.Position
	Published time.Time
	Lines     []publishedLine
	Equal     int
}

type publishedLine struct {
	Name       text
	Figure     projections.PublishedFigure
	Filters    []askedFilter
	AsOf       time.Time
	Since      time.Time
	Asked      bool // the ledger has a number
	Ledger     uint64
	Difference int64
	Reason     projections.Reason
	Problem    string
	Others     []projections.Candidate
	Href       string // the list behind the ledger's number
	Anchor     string
	Trace      string // the page that traces it
}

func (s *Server) showPublished(w http.ResponseWriter, r *http.Request) error {
	values, changed, err := tidy(r.URL.RawQuery)
	if err != nil {
		return err
	}
	q, err := parsePublishedQuestion(values)
	if err != nil || redirected(w, r, values, changed) {
		return err
	}
	if s.Figures == nil {
		return errUnavailable
	}
	page, err := s.publishedPage(r, &q)
	if err != nil {
		return err
	}
	return s.render(w, r, view{Template: "published", Title: text{"Angka terbitan", "Published figures"}, Data: page})
}

// compared is every published figure beside the ledger's. It never changes.
type compared struct {
	lines   []projections.Line
	settled projections.Settled // how far the tables were
	known   ledger.Position     // 0: of each figure where it was published
}

// mostCompared bounds the comparisons that are kept, of known-at.
const mostCompared = 8

// compare gives every published figure beside the ledger's as the question's
// known-at says. With many figures of many cases that takes long, so it is
// prepared, and may be of an earlier position than the tables are at now.
func (s *Server) compare(ctx context.Context, q *publishedQuestion) (*compared, projections.Progress, error) {
	var known question
	if q.known != knownPublished && q.known != "" {
		known.Known = q.known
		if err := s.settle(ctx, &known); err != nil {
			return nil, projections.Progress{}, err
		}
	}
	now, err := s.Figures.Progress(ctx)
	if err != nil {
		return nil, now, figureError(err)
	}
	key := q.known
	if known.Query.KnownAt > 0 {
		key = strconv.FormatUint(uint64(known.Query.KnownAt), 10)
	}
	current := func(c *compared) bool { return c.settled.Position >= now.Position }
	c, err := s.comparisons.get(ctx, key, current, func(ctx context.Context) (*compared, error) {
		return s.compareAll(ctx, known.Query.KnownAt, q.known == knownPublished)
	})
	return c, now, err
}

// compareAll sets all figures beside the ledger's, known at a position (0: the
// last), or each where it was published.
func (s *Server) compareAll(ctx context.Context, known ledger.Position, asPublished bool) (*compared, error) {
	if err := s.Figures.WaitColumns(ctx); err != nil && ctx.Err() != nil {
		return nil, err // without columns this would take an hour; a reader that keeps none asks SQL
	}
	p, err := s.Figures.Progress(ctx)
	if err != nil {
		return nil, figureError(err)
	}
	out := &compared{settled: projections.Settled{Position: p.Position, Recorded: p.Recorded}, known: known}
	if known == 0 && !asPublished {
		out.known = p.Position
	}
	figures, err := s.Figures.PublishedFigures(ctx)
	if err != nil {
		return nil, figureError(err)
	}
	figures = slices.DeleteFunc(figures, func(f projections.PublishedFigure) bool { return f.Position > p.Position })
	out.lines, err = s.Figures.Beside(ctx, figures, out.known, asPublished)
	return out, figureError(err)
}

// preparePublished compares what a page shows that is asked nothing.
func (s *Server) preparePublished(ctx context.Context) error {
	if s.Figures == nil {
		return nil
	}
	_, _, err := s.compare(ctx, &publishedQuestion{})
	return err
}

func (s *Server) publishedPage(r *http.Request, q *publishedQuestion) (publishedPage, error) {
	all, now, err := s.compare(r.Context(), q)
	if err != nil {
		return publishedPage{}, err
	}
	page := publishedPage{
		NothingPublished: len(all.lines) == 0, Reason: q.reason, AsPublished: q.known == knownPublished, Modes: q.modes(publishedPath),
		Export: exportsOf(exportPath + "/published"), KnownAt: all.known, Latest: q.known == "", Settled: all.settled,
	}
	if all.settled.Position < now.Position {
		page.Now = now.Position
	}
	if !page.AsPublished {
		page.Known = q.known
	}
	page.choices(q, all.lines)
	lines, reasons := []projections.Line{}, map[projections.Reason]int{}
	var listed []projections.Line
	for _, l := range all.lines {
		if q.publisher != "" && l.Figure.Publisher != q.publisher || q.table != "" && l.Figure.Table != q.table {
			continue
		}
		lines = append(lines, l)
		if reasons[l.Reason]++; q.reason == "" || string(l.Reason) == q.reason {
			listed = append(listed, l)
		}
	}
	for _, reason := range publishedReasons {
		if n := reasons[reason]; n > 0 {
			page.Reasons = append(page.Reasons, reasonCount{reason, n, q.address(publishedPath, "reason", string(reason), "page", ""), string(reason) == q.reason})
		}
	}
	shown, ok := page.cut(q, listed)
	if !ok {
		return page, errNotFound
	}
	page.Reconciliation = len(page.Tables) > 0
	if q.reason == "" {
		lines = alsoAsked(lines, shown)
		page.Series, page.Against = seriesOf(q, lines), againstOf(q, lines)
	}
	return page, nil
}

// cut counts all that is listed, and shows the publications of the question's
// page, which it gives.
func (p *publishedPage) cut(q *publishedQuestion, listed []projections.Line) (shown []projections.Line, ok bool) {
	type name struct {
		position ledger.Position
		table    string
	}
	var names []name
	nameOf := func(l projections.Line) name { return name{l.Figure.Position, l.Figure.Table} }
	for _, l := range listed {
		if l.Reason == projections.ReasonEqual {
			p.Equal++
		} else {
			p.Differ++
		}
		if n := nameOf(l); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	slices.SortFunc(names, func(a, b name) int { return cmp.Compare(b.position, a.position) })
	p.Publications = len(names)
	from := (q.page - 1) * publicationsShown
	if from > 0 && from >= len(names) {
		return nil, false
	}
	names = names[from:min(len(names), from+publicationsShown)]
	p.From, p.To = from+1, from+len(names)
	if from > 0 {
		p.Before = q.address(publishedPath, "page", pageText(q.page-1))
	}
	if p.To < p.Publications {
		p.After = q.address(publishedPath, "page", pageText(q.page+1))
	}
	for _, n := range names {
		for _, l := range listed {
			if nameOf(l) == n {
				shown = append(shown, l)
				p.add(q, l)
			}
		}
	}
	return shown, true
}

// pageText is a page's number in an address.
func pageText(page int) string {
	if page <= 1 {
		return ""
	}
	return strconv.Itoa(page)
}

// choices are those of the form: publishers and publications that there are.
func (p *publishedPage) choices(q *publishedQuestion, lines []projections.Line) {
	var publishers []ledger.AgencyID
	var tables []string
	for _, l := range lines {
		publishers, tables = append(publishers, l.Figure.Publisher), append(tables, l.Figure.Table)
	}
	slices.Sort(publishers)
	slices.Sort(tables)
	p.Publishers = []option{{"", text{"semua lembaga", "every agency"}, q.publisher == ""}}
	for _, a := range slices.Compact(publishers) {
		p.Publishers = append(p.Publishers, option{string(a), word("agency", string(a)), a == q.publisher})
	}
	p.Codes = []option{{"", text{"semua terbitan", "every publication"}, q.table == ""}}
	for _, t := range slices.Compact(tables) {
		p.Codes = append(p.Codes, option{t, text{t, t}, t == q.table})
	}
}

// modeLink asks with other records.
type modeLink struct {
	Label  text
	Href   string
	Chosen bool
}

// modes are the records that figures may be compared by.
func (q *publishedQuestion) modes(path string) []modeLink {
	return []modeLink{
		{text{"semua catatan yang diolah", "every record applied"}, q.address(path, "known-at", "", "page", ""), q.known == ""},
		{text{"catatan saat angka itu dicatat terbit", "the records up to the figure's own publication"}, q.address(path, "known-at", knownPublished, "page", ""), q.known == knownPublished},
	}
}

func (p *publishedPage) add(q *publishedQuestion, l projections.Line) {
	f := l.Figure
	i := slices.IndexFunc(p.Tables, func(t publication) bool { return t.Table == f.Table && t.Position == f.Position })
	if i < 0 {
		i = len(p.Tables)
		p.Tables = append(p.Tables, publication{
			Table: f.Table, Publisher: f.Publisher, Doubt: f.Doubt, Source: f.Source, Restates: f.Restates, Position: f.Position, Published: f.Published,
		})
	}
	if l.Reason == projections.ReasonEqual {
		p.Tables[i].Equal++
	}
	p.Tables[i].Lines = append(p.Tables[i].Lines, q.lineOf(l))
}

func (q *publishedQuestion) lineOf(l projections.Line) publishedLine {
	f := l.Figure
	line := publishedLine{
		Name: measureWords(f.Measure), Figure: f, AsOf: f.AsOf.End(), Since: f.Since.End(), Reason: l.Reason, Problem: l.Problem, Others: l.Candidates,
		Anchor: fmt.Sprintf("f-%d-%d", f.Position, f.Ordinal),
	}
	line.Trace = q.address(tracePath(f), "publisher", "", "table", "", "reason", "", "page", "")
	for _, name := range slices.Sorted(maps.Keys(f.Filter)) {
		line.Filters = append(line.Filters, askedFilter{Name: name, Value: f.Filter[name]})
	}
	if l.Problem == "" {
		line.Asked, line.Ledger, line.Difference = true, l.Answer.Value, l.Difference
		line.Href = listOf(f.Measure, l.Answer.Query)
	}
	return line
}

// listOf is the list behind a settled query.
func listOf(measure string, q ledger.Query) string {
	asked := question{Measure: measure, Query: q, Known: strconv.FormatUint(uint64(q.KnownAt), 10)}
	return asked.address(casesPath)
}

func tracePath(f projections.PublishedFigure) string {
	return publishedPath + "/" + strconv.FormatUint(uint64(f.Position), 10) + "/" + strconv.Itoa(f.Ordinal)
}
