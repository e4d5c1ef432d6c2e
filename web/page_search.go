package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// searchFew is how many cases of each field are shown before one field is chosen.
const searchFew = 8

type searchPage struct {
	Query   string
	In      projections.Field
	Fields  []option
	Known   string
	Answer  projections.SearchAnswer
	Groups  []searchGroup
	Places  []searchPlace
	More    bool // places
	Refused bool // what was typed looked like personal data
	Asked   bool
	First   string // address of the first page, where another one is shown
}

type searchGroup struct {
	projections.FoundGroup
	Name  text
	Lines []searchLine
	All   string // address of all of this field; "" if they are here
	Next  string
	List  string // the figures' list of this place, where too many cases match
	Many  bool   // not counted to the end
}

type searchLine struct {
	projections.Found
	Says  text // what matched
	Href  string
	Parts []searchPart
}

type searchPart struct {
	projections.FoundRespondent
	Place text
}

type searchPlace struct {
	projections.Place
	Institution, Region string // addresses of searches
}

// fieldWords name what is searched.
var fieldWords = map[projections.Field]text{
	projections.FieldCase:        {"id kasus", "id of the case"},
	projections.FieldRegister:    {"nomor registrasi", "number in the register"},
	projections.FieldLetter:      {"nomor surat", "number of a letter"},
	projections.FieldDecree:      {"nomor keputusan PPK", "number of a decree"},
	projections.FieldRuling:      {"nomor putusan atas upaya", "number of a ruling on a remedy"},
	projections.FieldDocument:    {"dokumen (acuan atau SHA-256)", "document (reference or SHA-256)"},
	projections.FieldInstitution: {"instansi terlapor", "institution of a respondent"},
	projections.FieldRegion:      {"wilayah perbuatan", "place of the act"},
}

func (s *Server) showSearch(w http.ResponseWriter, r *http.Request) error {
	values, changed, err := tidy(r.URL.RawQuery)
	if err != nil {
		return err
	}
	refused := values.Get("refused") == "personal"
	values.Del("refused")
	q, err := parseSearch(values.Encode())
	if errors.Is(err, errPersonalSearch) {
		// To an address without it, which is what stays in the browser's history.
		http.Redirect(w, r, searchPath+"?refused=personal", http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return err
	}
	if changed {
		lead(w, r, values.Encode())
		return nil
	}
	page := searchPage{Query: q.text, In: q.in, Known: q.known, Refused: refused, Asked: q.text != "", Fields: searchFields(q.in)}
	if s.Figures == nil {
		return errUnavailable
	}
	if page.Asked {
		err = page.fill(s, r, q)
	}
	v := view{Template: "search", Title: text{"Cari kasus", "Find a case"}, Data: page, Latest: latestOf(r.URL.Path, values)}
	return s.renderAnswer(w, r, v, err)
}

func searchFields(chosen projections.Field) []option {
	out := []option{{"", text{"apa saja", "anything"}, chosen == ""}}
	for _, f := range projections.Fields {
		out = append(out, option{string(f), fieldWords[f], f == chosen})
	}
	return out
}

func (p *searchPage) fill(s *Server, r *http.Request, q searchQuestion) error {
	q.limit = searchFew
	if q.in != "" {
		q.limit = listLines
	}
	answer, places, more, err := s.search(r.Context(), q)
	if err != nil {
		return err
	}
	p.Answer, p.More = answer, more
	if q.after != "" {
		p.First = q.address()
	}
	known := "" // what is found is linked to as it was known then, too
	if q.known != "" {
		known = strconv.FormatUint(uint64(answer.KnownAt), 10)
	}
	for _, g := range answer.Groups {
		p.Groups = append(p.Groups, searchGroupOf(q, known, g, places))
	}
	for _, one := range places {
		p.Places = append(p.Places, searchPlace{
			one, q.address("q", one.Code, "in", string(projections.FieldInstitution)), q.address("q", one.Code, "in", string(projections.FieldRegion)),
		})
	}
	return nil
}

func searchGroupOf(q searchQuestion, known string, g projections.FoundGroup, places []projections.Place) searchGroup {
	out := searchGroup{FoundGroup: g, Name: fieldWords[g.Field], Many: g.Total >= projections.MostCounted}
	text := q.text
	if isOfPlaces(g) && len(places) == 1 {
		text = places[0].Code
	}
	switch {
	case g.After != "" && q.in == "":
		out.All = q.address("q", text, "in", string(g.Field))
	case g.After != "":
		out.Next = q.address("q", text, "after", g.After)
	}
	if out.Many && g.Field == projections.FieldInstitution {
		list := question{Query: ledger.Query{Unit: ledger.UnitCase, Filter: map[string]string{"institution": g.Found[0].Text}}, Measure: ledger.Opened.String(), Known: known}
		out.List = list.address(casesPath)
	}
	for _, f := range g.Found {
		line := searchLine{Found: f, Says: searchSays(g.Field, f.Text), Href: caseHref(f.Case, known)}
		for _, one := range f.Respondents {
			line.Parts = append(line.Parts, searchPart{one, regionWord(one.Institution)})
		}
		out.Lines = append(out.Lines, line)
	}
	return out
}

// searchSays writes what matched: codes of places with their names.
func searchSays(f projections.Field, said string) text {
	if f != projections.FieldInstitution && f != projections.FieldRegion {
		return text{said, said}
	}
	name := regionWord(said)
	if name.ID == said {
		return name
	}
	return text{name.ID + " (" + said + ")", name.EN + " (" + said + ")"}
}

// caseHref is a case as it is known at a position; now for "".
func caseHref(id, known string) string {
	u := url.URL{Path: casesPath + "/" + id}
	if known != "" {
		u.RawQuery = url.Values{"known-at": {known}}.Encode()
	}
	return u.String()
}
