package web

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// fieldPrefix stands before a filter's name in a form, where name=value cannot
// be one field.
const fieldPrefix = "f-"

// tidy reads the query of a page's address. A form sends every field that it
// has, the empty ones too; changed says that the address can be written shorter,
// as values then has it.
func tidy(raw string) (values url.Values, changed bool, err error) {
	if len(raw) > maxQuery {
		return nil, false, badQuery("", "the query is longer than 4 KiB")
	}
	sent, err := url.ParseQuery(raw)
	if err != nil {
		return nil, false, badQuery("", "the query is not written as in an address")
	}
	values = url.Values{}
	for name, list := range sent {
		filter, isField := strings.CutPrefix(name, fieldPrefix)
		for _, v := range list {
			switch {
			case v == "":
			case isField:
				values.Add("filter", filter+"="+strings.TrimSpace(v))
			default:
				values.Add(name, v)
				continue
			}
			changed = true
		}
	}
	slices.Sort(values["filter"])
	return values, changed, nil
}

// listQuestion reads the address of a list: a question and the page of it,
// counted from 1.
func listQuestion(values url.Values) (question, int, error) {
	own, err := takeOwn(values, "page")
	if err != nil {
		return question{}, 0, err
	}
	number, err := pageIn(url.Values{"page": {own["page"]}})
	if err != nil {
		return question{}, 0, err
	}
	q, err := questionOf(values)
	return q, number, err
}

// address writes a question, with changes: name and new value in turn, "" to
// leave one out.
func (q *question) address(path string, changes ...string) string {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("measure", q.Measure)
	if q.Query.Unit != ledger.UnitRespondent {
		set("unit", string(q.Query.Unit))
	}
	set("seen-by", string(q.Query.SeenBy))
	set("as-of", writeMoment(q.Query.AsOf))
	set("since", writeMoment(q.Query.Since))
	set("known-at", q.Known)
	set("by", q.By)
	filters := []string{}
	for name, value := range q.Query.Filter {
		filters = append(filters, name+"="+value)
	}
	for i := 0; i+1 < len(changes); i += 2 {
		name, value := changes[i], changes[i+1]
		if filter, ok := strings.CutPrefix(name, fieldPrefix); ok {
			filters = slices.DeleteFunc(filters, func(f string) bool { return strings.HasPrefix(f, filter+"=") })
			if value != "" {
				filters = append(filters, filter+"="+value)
			}
			continue
		}
		v.Del(name)
		set(name, value)
	}
	slices.Sort(filters)
	if len(filters) > 0 {
		v["filter"] = filters
	}
	return (&url.URL{Path: path, RawQuery: v.Encode()}).String()
}

// pinned is the question at the two times of its answer, whatever is recorded
// meanwhile.
func (q *question) pinned() *question {
	out := *q
	if q.answered.KnownAt != 0 {
		out.Query.AsOf, out.Known = q.answered.AsOf, strconv.FormatUint(uint64(q.answered.KnownAt), 10)
	}
	return &out
}

// list is the address of the list behind a number of the answer.
func (q *question) list(measure string, changes ...string) string {
	return q.pinned().address(casesPath, append([]string{"measure", measure, "by", ""}, changes...)...)
}

// writeMoment writes a moment as ParseMoment reads it: the end of a day in
// Jakarta as that day.
func writeMoment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if day := ledger.DayOf(t); day.End().Equal(t) {
		return string(day)
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// asked is a question as it was answered, in words: no number stands without it.
type asked struct {
	Unit     ledger.Unit
	Measure  string // "" for all
	Filters  []askedFilter
	SeenBy   ledger.AgencyID
	Since    time.Time
	AsOf     time.Time
	KnownAt  ledger.Position
	Recorded time.Time
	Settled  projections.Settled
	Latest   bool // as-of is when the last record was recorded
	AllKnown bool // known-at is the last record
	Extent   projections.Extent
}

type askedFilter struct {
	Name, Value string
	Without     string // address of the question without it
}

// askedOf says what an answer counts.
func (q *question) askedOf(path string, a projections.Answer, e projections.Extent) asked {
	out := asked{
		Unit: a.Query.Unit, Measure: q.Measure, SeenBy: a.Query.SeenBy, Since: a.Query.Since, AsOf: a.Query.AsOf,
		KnownAt: a.Query.KnownAt, Recorded: a.Known, Settled: a.Settled,
		Latest: q.Query.AsOf.IsZero(), AllKnown: a.Query.KnownAt == a.Settled.Position, Extent: e,
	}
	for _, name := range ledger.Filters {
		if value, ok := a.Query.Filter[name]; ok {
			out.Filters = append(out.Filters, askedFilter{name, value, q.address(path, fieldPrefix+name, "")})
		}
	}
	return out
}

// timesOf says the two times of an answer to another question than figures are
// asked by.
func timesOf(asOf time.Time, known ledger.Position, recorded time.Time, settled projections.Settled, latest bool) asked {
	return asked{AsOf: asOf, KnownAt: known, Recorded: recorded, Settled: settled, Latest: latest, AllKnown: known == settled.Position}
}

// Imported says that what is shown lies before the ledger's first record: it
// was recorded later, all of it.
func (a asked) Imported() bool { return a.AsOf.Before(a.Extent.Recorded) }

// extentKept bounds how long an extent is shown from memory: without columns reading
// it takes a scan, and in a ledger that fills it changes.
const extentKept = 2 * time.Second

// extent gives the span.
func (s *Server) extent(ctx context.Context) (projections.Extent, error) {
	return s.extents.get(ctx, s.Now, extentKept, func(projections.Extent) (projections.Extent, bool, error) {
		e, err := s.Figures.Extent(ctx)
		return e, !e.First.IsZero(), figureError(err)
	})
}

// questionForm is the question as a form shows it.
type questionForm struct {
	Action  string
	Measure string // kept, not shown
	Units   []option
	Seers   []option
	By      []option
	Since   momentField
	AsOf    momentField
	Known   string
	Filters []filterField
	Changed bool // something else than the plain question is asked
}

type option struct {
	Value  string
	Label  text
	Chosen bool
}

// momentField is a day, or a moment that no day's end says.
type momentField struct {
	Name, Value string
	Day         bool
	Most        string // the last day that may be asked for
}

type filterField struct {
	Name    string
	Options []option // none: it is typed
	Value   string
}

// form makes the form of a question. The agencies are those of the roster.
func (s *Server) form(q *question, action string, settled time.Time) questionForm {
	last := string(ledger.DayOf(settled.AddDate(0, 0, -1)))
	f := questionForm{
		Action: action, Measure: q.Measure, Known: q.Known,
		AsOf: fieldOf("as-of", q.Query.AsOf, last), Since: fieldOf("since", q.Query.Since, last),
		Changed: q.Query.Unit != ledger.UnitRespondent || q.Query.SeenBy != "" || !q.Query.Since.IsZero() || q.Known != "" || len(q.Query.Filter) > 0,
	}
	for _, u := range ledger.Units {
		f.Units = append(f.Units, option{string(u), word("unit", string(u)), u == q.Query.Unit})
	}
	f.Seers = []option{{"", text{"siapa pun", "anybody"}, q.Query.SeenBy == ""}}
	for _, a := range s.agencies() {
		f.Seers = append(f.Seers, option{string(a), word("agency", string(a)), a == q.Query.SeenBy})
	}
	for _, name := range ledger.Filters {
		f.By = append(f.By, option{name, word("filter", name), name == q.By})
		value := q.Query.Filter[name]
		field := filterField{Name: name, Value: value}
		for i, v := range s.filterValues(name) {
			if i == 0 {
				field.Options = append(field.Options, option{"", text{"semua", "all"}, value == ""})
			}
			field.Options = append(field.Options, option{v, valueWord(name, v), v == value})
		}
		f.Filters = append(f.Filters, field)
	}
	return f
}

func fieldOf(name string, t time.Time, most string) momentField {
	f := momentField{Name: name, Value: writeMoment(t), Most: most}
	f.Day = t.IsZero() || ledger.Date(f.Value).Valid()
	return f
}

// agencies lists the institutions of the roster.
func (s *Server) agencies() []ledger.AgencyID {
	var out []ledger.AgencyID
	for _, i := range s.Roster().Institutions() {
		if i.Kind == ledger.KindInstitution {
			out = append(out, i.ID)
		}
	}
	return out
}

// filterValues lists what a filter may be set to, none where there are too many
// for a list.
func (s *Server) filterValues(name string) []string {
	switch name {
	case "origin":
		return []string{ledger.OriginReport, ledger.OriginFinding}
	case "family":
		return []string{ledger.FamilyEthics, ledger.FamilyDiscipline}
	case "sanction":
		return ledger.Sanctions
	case "office":
		return ledger.Offices
	case "ppk-kind":
		return ledger.AuthorityKinds
	case "institution-kind":
		return ledger.InstitutionKinds
	case "class":
		return ledger.PositionClasses
	case "holder", "forwarded-to":
		var out []string
		for _, a := range s.agencies() {
			out = append(out, string(a))
		}
		return out
	case "province", "province-of-act":
		var out []string
		for _, p := range ledger.Provinces() {
			out = append(out, p.Code)
		}
		return out
	case "contest":
		var out []string
		for _, c := range s.Roster().Contests() {
			out = append(out, c.ID)
		}
		return out
	default:
		return nil
	}
}
