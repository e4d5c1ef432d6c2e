package web

import (
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
}

func parsePublishedQuestion(values url.Values) (publishedQuestion, error) {
	values, err := parseValues(values.Encode(), "publisher", "table", "reason", "known-at", "lang")
	if err != nil {
		return publishedQuestion{}, err
	}
	q := publishedQuestion{ledger.AgencyID(values.Get("publisher")), values.Get("table"), values.Get("reason"), values.Get("known-at")}
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
	changes = append([]string{"publisher", string(q.publisher), "table", q.table, "reason", q.reason, "known-at", q.known}, changes...)
	for i := 0; i+1 < len(changes); i += 2 {
		if v.Del(changes[i]); changes[i+1] != "" {
			v.Set(changes[i], changes[i+1])
		}
	}
	return (&url.URL{Path: path, RawQuery: v.Encode()}).String()
}

type publishedPage struct {
	Tables           []publication
	Equal, Differ    int
	Settled          projections.Settled
	Extent           projections.Extent
	Reconciliation   bool // there is anything to compare
	Reasons          []reasonCount
	Publishers       []option
	Codes            []option
	Modes            []modeLink
	Known            string // as it was written, where it is no mode
	AsPublished      bool
	KnownAt          ledger.Position // 0: the last, or of each figure its own
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

// besideAt sets figures beside the ledger's as the question's known-at says.
func (s *Server) besideAt(r *http.Request, q *publishedQuestion, figures []projections.PublishedFigure) ([]projections.Line, ledger.Position, error) {
	var known question
	if q.known != knownPublished {
		known.Known = q.known
		if err := s.settle(r.Context(), &known); err != nil {
			return nil, 0, err
		}
	}
	lines, err := s.Figures.Beside(r.Context(), figures, known.Query.KnownAt, q.known == knownPublished)
	if err != nil {
		return nil, 0, figureError(err)
	}
	return lines, known.Query.KnownAt, nil
}

func (s *Server) publishedPage(r *http.Request, q *publishedQuestion) (publishedPage, error) {
	ctx := r.Context()
	extent, err := s.extent(ctx)
	if err != nil {
		return publishedPage{}, err
	}
	figures, err := s.Figures.PublishedFigures(ctx)
	if err != nil {
		return publishedPage{}, figureError(err)
	}
	page := publishedPage{
		Extent: extent, NothingPublished: len(figures) == 0, Reason: q.reason, AsPublished: q.known == knownPublished, Modes: q.modes(publishedPath),
		Export: exportsOf(exportPath + "/published"),
	}
	if !page.AsPublished {
		page.Known = q.known
	}
	page.choices(q, figures)
	figures = slices.DeleteFunc(figures, func(f projections.PublishedFigure) bool {
		return q.publisher != "" && f.Publisher != q.publisher || q.table != "" && f.Table != q.table
	})
	lines, known, err := s.besideAt(r, q, figures)
	if err != nil {
		return page, err
	}
	page.KnownAt = known
	reasons := map[projections.Reason]int{}
	for _, l := range lines {
		if reasons[l.Reason]++; q.reason == "" || string(l.Reason) == q.reason {
			page.add(q, l)
		}
	}
	for _, reason := range publishedReasons {
		if n := reasons[reason]; n > 0 {
			page.Reasons = append(page.Reasons, reasonCount{reason, n, q.address(publishedPath, "reason", string(reason)), string(reason) == q.reason})
		}
	}
	page.Reconciliation = len(page.Tables) > 0
	if q.reason == "" {
		page.Series, page.Against = seriesOf(q, lines), againstOf(q, lines)
	}
	return page, nil
}

// choices are those of the form: publishers and publications that there are.
func (p *publishedPage) choices(q *publishedQuestion, figures []projections.PublishedFigure) {
	var publishers []ledger.AgencyID
	var tables []string
	for _, f := range figures {
		publishers, tables = append(publishers, f.Publisher), append(tables, f.Table)
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
		{text{"semua catatan yang diolah", "every record applied"}, q.address(path, "known-at", ""), q.known == ""},
		{text{"catatan saat angka itu dicatat terbit", "the records up to the figure's own publication"}, q.address(path, "known-at", knownPublished), q.known == knownPublished},
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
	line := q.lineOf(l)
	if line.Asked {
		p.Settled = l.Answer.Settled
	}
	if l.Reason == projections.ReasonEqual {
		p.Equal++
		p.Tables[i].Equal++
	} else {
		p.Differ++
	}
	p.Tables[i].Lines = append(p.Tables[i].Lines, line)
}

func (q *publishedQuestion) lineOf(l projections.Line) publishedLine {
	f := l.Figure
	line := publishedLine{
		Name: measureWords(f.Measure), Figure: f, AsOf: f.AsOf.End(), Since: f.Since.End(), Reason: l.Reason, Problem: l.Problem, Others: l.Candidates,
		Anchor: fmt.Sprintf("f-%d-%d", f.Position, f.Ordinal),
	}
	line.Trace = q.address(tracePath(f), "publisher", "", "table", "", "reason", "")
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
