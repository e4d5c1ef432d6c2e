package web

import (
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

// figuresShown is how many figures a page shows at most, but for one publication
// that has more.
const figuresShown = 300

func parsePublishedQuestion(values url.Values) (publishedQuestion, error) {
	if err := checkValues(values, "publisher", "table", "reason", "known-at", "page", "lang"); err != nil {
		return publishedQuestion{}, err
	}
	page, err := pageIn(values)
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
	own := []string{"publisher", string(q.publisher), "table", q.table, "reason", q.reason, "known-at", q.known, "page", pageText(q.page)}
	return addressWith(path, nil, append(own, changes...)...)
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
	EqualHref        string // those that are equal alone; "" where all are
	AllHref          string // whatever the reason, where one is chosen
	Publishers       []option
	Codes            []option
	Modes            []modeLink
	Known            string // as it was written, where it is no mode
	AsPublished      bool
	KnownAt          ledger.Position // 0: of each figure its own
	Series           []figureSeries
	Beside           []besideGroup
	Reason           string
	NothingPublished bool
	Export           exportLinks
	Older            []olderFigures
	ManyCodes        bool // too many publications for a list to choose from
	Table            string
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
	publicationTitle
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
	return s.answer(w, r, view{Template: "published", Title: text{"Angka terbitan", "Published figures"}}, func(values url.Values) (filling, error) {
		q, err := parsePublishedQuestion(values)
		return func(ctx context.Context) (any, error) { return s.publishedPage(ctx, &q) }, err
	})
}

func (s *Server) publishedPage(ctx context.Context, q *publishedQuestion) (publishedPage, error) {
	all, now, err := s.compare(ctx, q)
	if err != nil {
		page := publishedPage{Known: q.known, Modes: q.modes(publishedPath)}
		page.choices(q, &compared{})
		return page, err
	}
	page := publishedPage{
		NothingPublished: len(all.lines) == 0 && q.table == "", Reason: q.reason, AsPublished: q.known == knownPublished, Modes: q.modes(publishedPath),
		Export: exportsOf(q.file(all)), KnownAt: all.known, Latest: q.known == "", Settled: all.settled, Older: all.olderFigures(),
	}
	if all.settled.Position < now.Position {
		page.Now = now.Position
	}
	if !page.AsPublished {
		page.Known = q.known
	}
	page.choices(q, all)
	lines, listed, reasons := q.chosen(all.lines)
	if q.reason != "" {
		page.AllHref = q.address(publishedPath, "reason", "", "page", "")
	} else if reasons[projections.ReasonEqual] < len(lines) {
		page.EqualHref = q.address(publishedPath, "reason", string(projections.ReasonEqual), "page", "")
	}
	for _, reason := range publishedReasons {
		if n := reasons[reason]; n > 0 && reason != projections.ReasonEqual { // those are told first, and differ for no reason
			page.Reasons = append(page.Reasons, reasonCount{reason, n, q.address(publishedPath, "reason", string(reason), "page", ""), string(reason) == q.reason})
		}
	}
	shown, ok := page.cut(q, listed)
	if !ok {
		return page, errNotFound
	}
	for i := range page.Tables {
		t := &page.Tables[i]
		t.publicationTitle = all.titles[publicationKey{t.Position, t.Table}]
	}
	page.Reconciliation = len(page.Tables) > 0
	if q.reason == "" {
		lines = alsoAsked(lines, shown)
		page.Series, page.Beside = seriesOf(q, lines), besideOf(q, lines)
	}
	return page, nil
}

// cut counts all that is listed, and shows the publications of the question's
// page, which it gives.
func (p *publishedPage) cut(q *publishedQuestion, listed []projections.Line) (shown []projections.Line, ok bool) {
	var all [][]projections.Line // by publication, the newest first
	at := map[publicationKey]int{}
	for _, l := range slices.Backward(listed) {
		if l.Reason == projections.ReasonEqual {
			p.Equal++
		} else {
			p.Differ++
		}
		key := publicationKey{l.Figure.Position, l.Figure.Table}
		i, known := at[key]
		if !known {
			i = len(all)
			at[key], all = i, append(all, nil)
		}
		all[i] = append(all[i], l)
	}
	p.Publications = len(all)
	from, to := publicationsOf(all, q.page)
	if from == to && q.page > 1 {
		return nil, false
	}
	p.From, p.To = from+1, to
	if from > 0 {
		p.Before = q.address(publishedPath, "page", pageText(q.page-1))
	}
	if to < p.Publications {
		p.After = q.address(publishedPath, "page", pageText(q.page+1))
	}
	for _, lines := range all[from:to] {
		for _, l := range slices.Backward(lines) {
			shown = append(shown, l)
			p.add(q, l)
		}
	}
	return shown, true
}

// publicationKey names a publication.
type publicationKey struct {
	position ledger.Position
	table    string
}

// publicationsOf finds the publications of a page: so many, or fewer where they
// have many figures.
func publicationsOf(all [][]projections.Line, page int) (from, to int) {
	for ; page > 0; page-- {
		from = to
		for lines := 0; to < len(all) && to-from < publicationsShown && (to == from || lines+len(all[to]) <= figuresShown); to++ {
			lines += len(all[to])
		}
	}
	return from, to
}

// codesShown is how many publications a form lists to choose from.
const codesShown = 200

// choices are those of the form: publishers and publications that there are.
func (p *publishedPage) choices(q *publishedQuestion, all *compared) {
	var publishers []ledger.AgencyID
	var tables []string
	latest := map[string]publicationKey{} // of each code
	for _, l := range all.lines {
		publishers, tables = append(publishers, l.Figure.Publisher), append(tables, l.Figure.Table)
		latest[l.Figure.Table] = publicationKey{l.Figure.Position, l.Figure.Table}
	}
	slices.Sort(publishers)
	slices.Sort(tables)
	p.Publishers = []option{{"", text{"semua lembaga", "every agency"}, q.publisher == ""}}
	for _, a := range slices.Compact(publishers) {
		p.Publishers = append(p.Publishers, option{string(a), word("agency", string(a)), a == q.publisher})
	}
	tables = slices.Compact(tables)
	p.Table, p.ManyCodes = q.table, all.lines == nil || len(tables) > codesShown || len(p.Older) > 0
	p.Codes = []option{{"", text{"semua terbitan", "every publication"}, q.table == ""}}
	for _, t := range tables[:min(len(tables), codesShown)] {
		title := all.titles[latest[t]].Title
		p.Codes = append(p.Codes, option{t, text{title.ID + " (" + t + ")", title.EN + " (" + t + ")"}, t == q.table})
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
