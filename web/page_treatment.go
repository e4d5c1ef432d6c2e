package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
	"github.com/berkas-ledger/berkas/rates"
)

// The page of equal treatment: whether respondents of different places, ranks
// and kinds fare differently than chance explains. It shows one rate or one
// waiting time by one dimension, and judges all of them together.

const treatmentPath = "/treatment"

// treatmentRate is a rate: of those for whom one of two or more things became
// true, the share for whom it was the first. The measures exclude one another,
// so that the first are a part of all under any question.
type treatmentRate struct {
	Slug  string
	Of    ledger.Measure
	Rest  []ledger.Measure
	Title text
	Says  text
}

func (r treatmentRate) all() []ledger.Measure { return append([]ledger.Measure{r.Of}, r.Rest...) }

// treatmentWait is the time from one milestone to another.
type treatmentWait struct {
	Slug    string
	Step    projections.Step
	Measure ledger.Measure // whose list is nearest to those who wait or waited
	Title   text
	Says    text
}

// treatmentBy are the dimensions by which treatment is compared: where somebody
// is, what he is and what he is said to have done. How a case ended is none.
var treatmentBy = []string{
	"province", "province-of-act", "office", "institution", "institution-kind", "class", "item", "family", "contest", "ppk-kind",
}

// manyValued are the dimensions of which one respondent may have several values.
var manyValued = []string{"item"}

const (
	sureness    = 0.95
	chanceLevel = 0.05
	// tinyGroup is the size below which no rate is shown: a single case more or
	// less would move it by a fifth or more.
	tinyGroup = 5
	// smallGroup is the size below which an interval is said to be of a small
	// number: it is half as wide as the whole scale or nearly so.
	smallGroup = 30
	// fewEnds is how many ends of waits have to be expected on both sides for the
	// log-rank test to be near enough.
	fewEnds = 5
	// treatmentRows bounds the rows of the picture.
	treatmentRows = 120
)

type treatmentPage struct {
	Asked   asked
	Form    questionForm
	By      string
	Several bool
	Title   text
	Says    text
	Choices []treatmentChoice
	Others  []sliderStep // other dimensions
	Rate    *ratePicture
	Wait    *waitPicture
	Judged  judged
	Export  exportLinks
}

// treatmentChoice is a rate or waiting time to look at, with what was found.
type treatmentChoice struct {
	Title   text
	Href    string
	Current bool
	Looked  int // groups compared
	Marked  int
}

// judged is what was found over all rates and times of the page.
type judged struct {
	Looked   int     // comparisons
	Expected float64 // outside limits of 95% by chance alone, uncorrected, at most
	Outside  int     // are
	Marked   int     // after correction
}

func (s *Server) showTreatment(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, r, view{Template: "treatment", Title: text{"Perlakuan setara", "Equal treatment"}}, func(values url.Values) (filling, error) {
		q, err := questionOf(values)
		if err != nil {
			return nil, err
		}
		slug := cmp.Or(r.PathValue("what"), treatmentRates[defaultRate].Slug)
		return func(ctx context.Context) (any, error) { return s.treatmentPage(ctx, q, slug) }, q.asksTreatment(slug)
	})
}

// asksTreatment refuses what this page is not asked.
func (q *question) asksTreatment(slug string) error {
	switch {
	case q.Query.Unit != ledger.UnitRespondent:
		return badQuery("unit", "this page compares respondents only")
	case q.Measure != "":
		return badQuery("measure", "the address of the page says which rate it shows")
	case q.By != "" && !slices.Contains(treatmentBy, q.By):
		return badQuery("by", "it is one of "+joined(treatmentBy))
	case findRate(slug) < 0 && findWait(slug) < 0:
		return errNotFound
	}
	return nil
}

func findRate(slug string) int {
	return slices.IndexFunc(treatmentRates, func(t treatmentRate) bool { return t.Slug == slug })
}

func findWait(slug string) int {
	return slices.IndexFunc(treatmentWaits, func(t treatmentWait) bool { return t.Slug == slug })
}

// treatment is everything that the page knows, before one picture is chosen.
type treatment struct {
	answer projections.Answer
	rates  []ratesBy
	waits  []waitsBy
	judged judged
	alpha  float64 // of limits that part what is marked from what is not
}

// ratesBy is a rate of all and of each group.
type ratesBy struct {
	All    rateGroup
	Groups []rateGroup
}

// waitsBy is a waiting time of all and of each group.
type waitsBy struct {
	All    waitGroup
	Groups []waitGroup
}

func (s *Server) treatmentPage(ctx context.Context, q question, slug string) (treatmentPage, error) {
	if q.By == "" {
		q.By = treatmentBy[0]
	}
	path := treatmentPath + "/" + slug
	extent, err := s.extent(ctx)
	if err != nil {
		return treatmentPage{}, err
	}
	page := treatmentPage{
		Form: s.treatmentForm(&q, path, s.Now()),
		By:   q.By, Several: slices.Contains(manyValued, q.By),
	}
	asked := q
	if err := s.settle(ctx, &asked); err != nil {
		return page, err
	}
	t, err := s.treatment(ctx, asked)
	if err != nil {
		return page, err
	}
	q.answered = momentOf(t.answer.Query)
	page.Form = s.treatmentForm(&q, path, t.answer.Settled.Recorded)
	page.Asked = q.askedOf(path, t.answer, extent)
	page.Judged = t.judged
	for _, name := range treatmentBy {
		if name != q.By {
			page.Others = append(page.Others, sliderStep{word("filter", name), q.address(path, "by", name)})
		}
	}
	for i, info := range treatmentRates {
		page.Choices = append(page.Choices, choice(info.Title, q.address(treatmentPath+"/"+info.Slug), info.Slug == slug, t.rates[i].marks()))
	}
	for i, info := range treatmentWaits {
		page.Choices = append(page.Choices, choice(info.Title, q.address(treatmentPath+"/"+info.Slug), info.Slug == slug, t.waits[i].marks()))
	}
	if i := findRate(slug); i >= 0 {
		page.Title, page.Says = treatmentRates[i].Title, treatmentRates[i].Says
		page.Rate = t.ratePicture(&q, i)
		page.Export = exportsOf(q.pinned().address(exportPath + "/treatment-shares"))
	} else {
		i := findWait(slug)
		page.Title, page.Says = treatmentWaits[i].Title, treatmentWaits[i].Says
		page.Wait = t.waitPicture(&q, i)
		page.Export = exportsOf(q.pinned().address(exportPath + "/treatment-times"))
	}
	return page, nil
}

// treatmentForm is the form of a question with what this page can be asked.
func (s *Server) treatmentForm(q *question, path string, settled time.Time) questionForm {
	f := s.form(q, path, settled)
	f.Units = slices.DeleteFunc(f.Units, func(o option) bool { return !o.Chosen })
	f.By = slices.DeleteFunc(f.By, func(o option) bool { return !slices.Contains(treatmentBy, o.Value) })
	return f
}

func choice(title text, href string, current bool, marks []comparison) treatmentChoice {
	c := treatmentChoice{Title: title, Href: href, Current: current}
	for _, m := range marks {
		if m.Looked {
			c.Looked++
		}
		if m.Mark != 0 {
			c.Marked++
		}
	}
	return c
}

// treatment asks for all rates and waiting times and compares their groups.
func (s *Server) treatment(ctx context.Context, q question) (treatment, error) {
	var queries []ledger.Query
	for _, info := range treatmentRates {
		of, all := q.Query, q.Query
		of.Measures, all.Measures = []ledger.Measure{info.Of}, info.all()
		queries = append(queries, of, all)
	}
	answers, err := s.Figures.Figures(ctx, queries)
	if err != nil {
		return treatment{}, figureError(err)
	}
	rows, err := s.Figures.Breakdown(ctx, answers, q.By)
	if err != nil {
		return treatment{}, figureError(err)
	}
	t := treatment{answer: answers[0], rates: ratesOf(answers, rows)}
	var steps []projections.Step
	for _, w := range treatmentWaits {
		steps = append(steps, w.Step)
	}
	// Asked with the two times of the first answer, whatever came since.
	_, groups, err := s.Figures.Durations(ctx, t.answer.Query, steps, q.By)
	if err != nil {
		return treatment{}, figureError(err)
	}
	all := together(groups)
	if slices.Contains(manyValued, q.By) {
		if _, all, err = s.Figures.Durations(ctx, t.answer.Query, steps, ""); err != nil {
			return treatment{}, figureError(err)
		}
	}
	for i := range steps {
		t.waits = append(t.waits, waitsOf(all[i], groups[i]))
	}
	t.judge()
	return t, nil
}

// comparison is what was found when a group was compared with all others.
type comparison struct {
	Looked  bool // large enough, and not all there is
	P       float64
	Chance  float64 // probability that chance puts it outside 95%
	Outside bool
	Mark    int // 1 above, -1 below what chance explains, after correction; 0 neither
	above   bool
}

// judge marks what chance does not explain, over all rates and times together:
// whoever looks at many things finds something.
func (t *treatment) judge() {
	var list []*comparison
	for i := range t.rates {
		for j := range t.rates[i].Groups {
			list = append(list, &t.rates[i].Groups[j].comparison)
		}
	}
	for i := range t.waits {
		for j := range t.waits[i].Groups {
			list = append(list, &t.waits[i].Groups[j].comparison)
		}
	}
	list = slices.DeleteFunc(list, func(c *comparison) bool { return !c.Looked })
	p := make([]float64, len(list))
	for i, c := range list {
		p[i] = c.P
		t.judged.Expected += c.Chance
		if c.Outside = c.P <= chanceLevel; c.Outside {
			t.judged.Outside++
		}
	}
	for i, corrected := range rates.Holm(p) {
		if corrected > chanceLevel {
			continue
		}
		t.judged.Marked++
		list[i].Mark = -1
		if list[i].above {
			list[i].Mark = 1
		}
	}
	t.judged.Looked = len(list)
	// What Holm marks has at most this probability, and what it does not has more.
	t.alpha = chanceLevel / float64(max(1, len(list)-t.judged.Marked))
}
