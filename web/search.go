package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// Search. What is searched for stands in the address (GET), on purpose: numbers of
// letters and decrees are identifiers of offices and no personal data (promise P7:
// the schema of every letter refuses what looks like one), a search can be passed
// on and gone back to, and it changes nothing. Against its finding a way out of
// here the log has patterns and no addresses, no page says a referrer, and nothing
// is cached. What looks like personal data is refused before it is asked for: the
// form does not send it, and who sends it all the same is led to an address
// without it.

const searchPath = "/search"

var (
	errPersonalSearch = problem(http.StatusBadRequest, "personal-data", text{
		"Data pribadi (NIP, NIK, telepon, surel) tersegel dan tidak dapat dicari. Cari dengan nomor surat, keputusan, registrasi, atau instansi.",
		"Personal data (NIP, NIK, telephone, e-mail) is sealed and cannot be searched. Search by the number of a letter, decree or register, or by institution.",
	})
	errSearchText = badQuery("q", "it is a text of at most 200 bytes")
)

// searchQuestion is what a search asks.
type searchQuestion struct {
	text  string
	in    projections.Field // "": everything
	known string
	after string
	limit int
}

// address writes the question, with changes: name and new value in turn.
func (q *searchQuestion) address(changes ...string) string {
	own := []string{"q", q.text, "in", string(q.in), "known-at", q.known}
	return addressWith(searchPath, nil, append(own, changes...)...)
}

// parseSearch reads a search; a text that looks like personal data is
// errPersonalSearch before anything else is looked at.
func parseSearch(raw string, more ...string) (searchQuestion, error) {
	var q searchQuestion
	values, err := parseValues(raw, append([]string{"q", "in", "known-at", "after", "lang"}, more...)...)
	if err != nil {
		return q, err
	}
	q = searchQuestion{
		text: strings.TrimSpace(values.Get("q")), in: projections.Field(values.Get("in")), known: values.Get("known-at"), after: values.Get("after"),
	}
	switch {
	case projections.Personal(q.text) || projections.Personal(q.after):
		return searchQuestion{}, errPersonalSearch
	case len(q.text) > projections.MostSearched:
		return q, errSearchText
	case q.in != "" && !slices.Contains(projections.Fields, q.in):
		return q, badQuery("in", "it is one of "+joined(fieldNames()))
	case q.after != "" && q.in == "":
		return q, badQuery("after", "it goes on with one field, which in= names")
	}
	q.limit, err = numberIn(values, "limit", 0, 1, projections.MostFound, "it is a number from 1 to "+strconv.Itoa(projections.MostFound))
	return q, err
}

func fieldNames() []string {
	var out []string
	for _, f := range projections.Fields {
		out = append(out, string(f))
	}
	return out
}

// search answers a question. A name of exactly one place is searched by its code.
func (s *Server) search(ctx context.Context, q searchQuestion) (a projections.SearchAnswer, places []projections.Place, more bool, err error) {
	if s.Figures == nil {
		return a, nil, false, errUnavailable
	}
	at := question{Known: q.known}
	if err := s.settle(ctx, &at); err != nil {
		return a, nil, false, err
	}
	ask := projections.SearchQuery{Text: q.text, KnownAt: at.Query.KnownAt, After: q.after, Limit: q.limit}
	if q.in != "" {
		ask.Fields = []projections.Field{q.in}
	}
	ofPlaces := q.in == "" || q.in == projections.FieldInstitution || q.in == projections.FieldRegion
	if ofPlaces {
		places, more = projections.Places(q.text)
	}
	if a, err = s.Figures.Search(ctx, ask); err != nil {
		return a, nil, false, searchError(err)
	}
	if len(places) != 1 || slices.ContainsFunc(a.Groups, isOfPlaces) {
		return a, places, more, nil
	}
	ask.Text, ask.Fields = places[0].Code, []projections.Field{projections.FieldInstitution, projections.FieldRegion}
	if q.in != "" {
		ask.Fields = []projections.Field{q.in}
	}
	byCode, err := s.Figures.Search(ctx, ask)
	if err != nil {
		return a, nil, false, searchError(err)
	}
	a.Groups = append(a.Groups, byCode.Groups...)
	return a, places, more, nil
}

func isOfPlaces(g projections.FoundGroup) bool {
	return g.Field == projections.FieldInstitution || g.Field == projections.FieldRegion
}

func searchError(err error) error {
	switch {
	case errors.Is(err, projections.ErrPersonal):
		return errPersonalSearch
	case errors.Is(err, projections.ErrSearch):
		return badQuery("q", "it is a text to search for, and after= what an answer gave")
	}
	return figureError(err)
}

// searchAnswer is what a program is told.
type searchAnswer struct {
	KnownAt  uint64              `json:"known_at" doc:"The last record that was used"`
	Recorded time.Time           `json:"known_at_recorded"`
	Settled  settledAnswer       `json:"settled"`
	Groups   []searchGroupAnswer `json:"groups" nullable:"false" doc:"What was found, by what it matched; fields without a case are left out"`
	Places   []placeAnswer       `json:"places" nullable:"false" doc:"Places whose names begin with the text's words: search by their codes"`
	More     bool                `json:"more_places" doc:"There are other places"`
}

type searchGroupAnswer struct {
	Field string        `json:"field" doc:"case, register, letter, decree, ruling, document, institution or region"`
	Total int           `json:"total" doc:"How many records say so; 1000 stands for that many or more"`
	After string        `json:"after" doc:"Goes on from here with in= this field; empty at the end"`
	Found []foundAnswer `json:"found" nullable:"false"`
}

type foundAnswer struct {
	Case        string            `json:"case"`
	Text        string            `json:"text" doc:"What the record says, as it is written there"`
	Exact       bool              `json:"exact" doc:"It is what was searched for; else it begins with it"`
	Position    uint64            `json:"position" doc:"Of the record that says so"`
	Kind        ledger.Kind       `json:"kind"`
	Agency      ledger.AgencyID   `json:"agency"`
	Happened    time.Time         `json:"happened"`
	Recorded    time.Time         `json:"recorded"`
	CorrectedBy uint64            `json:"corrected_by,omitempty" doc:"Position of the first correction of that record: it may not say so any more"`
	Holder      ledger.AgencyID   `json:"holder"`
	Respondents []foundRespondent `json:"respondents" nullable:"false"`
}

type foundRespondent struct {
	ID          string       `json:"id"`
	Institution string       `json:"institution"`
	Stage       ledger.Stage `json:"stage"`
}

type placeAnswer struct {
	Code string `json:"code" doc:"Kemendagri"`
	Name string `json:"name"`
}

func (s *Server) describeSearch() {
	s.serve("GET "+searchPath, needCases, s.showSearch)
	s.operation(operation{
		Operation: huma.Operation{
			OperationID: "search", Method: http.MethodGet, Path: "/v1/search", Tags: []string{"read"},
			Summary: "Cases by what is written on paper about them",
			Description: "By the case's id or its beginning, by the number of a register, letter, decree, ruling or document (from its beginning on; case, spaces and punctuation do not matter), " +
				"by a document's SHA-256, by institution or place (Kemendagri's or BKN's code, or words of a name). Personal data is sealed and cannot be searched.",
			Parameters: []*huma.Param{
				inQuery("q", "What to search for", "73.71"),
				inQuery("in", "One field only", nil),
				inQuery("known-at", "A position, date or time; without: the last record", nil),
				inQuery("after", "Where an answer's group goes on; with in=", nil),
				inQuery("limit", "How many of each field at most, up to 200; without: 50", "20"),
			},
		},
		Needs:   needCases,
		Answers: map[int]answerKind{200: {Says: "What was found", Body: searchAnswer{}}},
	}, s.getSearch)
}

func (s *Server) getSearch(w http.ResponseWriter, r *http.Request) error {
	q, err := parseSearch(r.URL.RawQuery, "limit")
	if err != nil {
		return err
	}
	if q.text == "" {
		return errSearchText
	}
	if q.limit == 0 {
		q.limit = listLines
	}
	found, places, more, err := s.search(r.Context(), q)
	if err != nil {
		return err
	}
	a := searchAnswer{
		KnownAt: uint64(found.KnownAt), Recorded: found.Known, Settled: settledAnswer{uint64(found.Settled.Position), found.Settled.Recorded},
		Groups: []searchGroupAnswer{}, Places: []placeAnswer{}, More: more,
	}
	for _, g := range found.Groups {
		a.Groups = append(a.Groups, groupAnswerOf(g))
	}
	for _, p := range places {
		a.Places = append(a.Places, placeAnswer(p))
	}
	return writeJSON(w, http.StatusOK, a)
}

func groupAnswerOf(g projections.FoundGroup) searchGroupAnswer {
	out := searchGroupAnswer{Field: string(g.Field), Total: g.Total, After: g.After, Found: []foundAnswer{}}
	for _, f := range g.Found {
		one := foundAnswer{
			Case: f.Case, Text: f.Text, Exact: f.Exact, Position: uint64(f.Last.Position), Kind: f.Last.Kind, Agency: f.Last.Agency,
			Happened: f.Last.Happened, Recorded: f.Last.Recorded, CorrectedBy: uint64(f.Corrected), Holder: f.Holder, Respondents: []foundRespondent{},
		}
		for _, r := range f.Respondents {
			one.Respondents = append(one.Respondents, foundRespondent{r.Respondent, r.Institution, r.Stage})
		}
		out.Found = append(out.Found, one)
	}
	return out
}
