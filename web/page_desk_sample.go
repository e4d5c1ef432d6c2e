package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/berkas-ledger/berkas/exports"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// Random samples by a published seed. The page draws what 'berkas sample' draws
// from a copy of the log, and docs/sampling.md by hand.

const (
	sampleDefault = 59 // without a fault: at most 5 % with 95 % confidence
	sampleMost    = 1000
	// lotMost bounds what the page draws from, and recordsMost the records; the
	// command draws from any number.
	lotMost     = 250_000
	recordsMost = 1_000_000
	strataMost  = 64
)

var (
	errLotLarge = problem(http.StatusUnprocessableEntity, "lot-too-large", text{
		"Terlalu banyak untuk diundi di halaman ini. 'berkas sample' mengundi dari salinan log berapa pun besarnya, dengan hasil yang sama.",
		"Too many to draw from on this page. 'berkas sample' draws from a copy of the log of any size, with the same result.",
	})
	errSampleMoment = problem(http.StatusBadRequest, "sample-moment", text{
		"Keadaan per adalah hari utuh (WIB) yang sudah berakhir ketika catatan terakhir titik periksa dicatat, atau dikosongkan: saat catatan itu sendiri. Sejak adalah hari utuh sebelumnya, mulai tahun 2000. Saat yang lain mengubah undian tanpa mengubah yang dihitung, sehingga hasilnya dapat dipilih.",
		"As of is a whole day (in Jakarta) that had ended when the checkpoint's last record was recorded, or is left empty: that record's own moment. Since is a whole day before it, from 2000 on. Other moments change the draw and not what is counted, so that its result could be chosen.",
	})
	errStrata = problem(http.StatusUnprocessableEntity, "too-many-strata", text{
		"Terlalu banyak strata untuk halaman ini.", "Too many strata for this page.",
	})
)

// sampleQuestion is what a sample is asked by.
type sampleQuestion struct {
	question
	seed    string
	n       int
	size    ledger.Position // of the checkpoint; 0: the newest
	records bool
	format  string
}

type samplePage struct {
	Form       questionForm
	Measures   []option
	By         []option
	Seed       string
	N          int
	Size       string
	Records    bool
	Checkpoint deskCheckpoint
	Question   string // as it is hashed
	Bytes      string // of the first item, as an example
	Population int
	Sizes      []sampleAdvice
	Sample     *verify.Sample
	Strata     []sampleStratum
	CSV, JSON  string
	Command    string
	Asked      asked
	Name       text
}

// sampleAdvice is a row of the table of sizes: what a sample without a fault says.
type sampleAdvice struct {
	Share int // per cent
	N     []int
}

// sampleConfidences are the columns of that table, per cent.
var sampleConfidences = []int{90, 95, 99}

type sampleStratum struct {
	Value string
	By    string
	Of    int
	Lines []sampleLine
}

type sampleLine struct {
	Item, Rank, Href string
	Name             text
}

func parseSample(values url.Values) (sampleQuestion, error) {
	c := sampleQuestion{n: sampleDefault}
	own, err := takeOwn(values, "seed", "n", "checkpoint", "draw", "format")
	if err != nil {
		return c, err
	}
	if c.question, err = parseQuestion(values.Encode()); err != nil {
		return c, err
	}
	if c.Known != "" {
		return c, badQuery("known-at", "what is known is what the checkpoint covers")
	}
	if own["n"] != "" {
		if c.n, err = strconv.Atoi(own["n"]); err != nil || c.n < 1 || c.n > sampleMost {
			return c, badQuery("n", fmt.Sprintf("it is 1 to %d", sampleMost))
		}
	}
	if own["checkpoint"] != "" {
		if c.size, err = sizeIn(url.Values{"checkpoint": {own["checkpoint"]}}, "checkpoint"); err != nil {
			return c, err
		}
	}
	if c.Measure == "" {
		c.Measure = ledger.Opened.String()
	}
	c.seed, c.records, c.format = own["seed"], own["draw"] == "records", own["format"]
	if own["draw"] != "" && !c.records {
		return c, badQuery("draw", "it is records, or is left out")
	}
	return c, c.checkSample()
}

// takeOwn takes parameters that a figure's question does not have out of values.
func takeOwn(values url.Values, names ...string) (map[string]string, error) {
	own := map[string]string{}
	for _, name := range names {
		list := values[name]
		values.Del(name)
		if len(list) > 1 || len(list) == 1 && (len(list[0]) > verify.MaxSeed || unwritten(list[0])) {
			return nil, badQuery(name, "it stands more than once, or is too long")
		}
		if len(list) == 1 {
			own[name] = list[0]
		}
	}
	return own, nil
}

func (c *sampleQuestion) checkSample() error {
	lot := verify.Lot{Seed: c.seed, Size: 1, Question: verify.RecordsQuestion}
	_, filtered := c.Query.Filter[c.By]
	switch {
	case c.seed != "" && lot.Check() != nil:
		return badQuery("seed", "it is 1 to 256 characters of ASCII, without a space at its ends")
	case !slices.Contains([]string{"", "csv", "json"}, c.format):
		return badQuery("format", "it is csv or json, or is left out")
	case c.format != "" && c.seed == "":
		return badQuery("seed", "without a seed nothing is drawn")
	case filtered || c.records && c.By != "":
		return badQuery("by", "it is no filter of the question, and records have no strata")
	}
	return nil
}

// to writes the address of the sample.
func (c *sampleQuestion) to(size ledger.Position, format string) string {
	own := []string{"seed", c.seed, "n", strconv.Itoa(c.n), "checkpoint", strconv.FormatUint(uint64(size), 10), "format", format}
	if c.records {
		own = append(own, "draw", "records")
	}
	return c.address(samplePath, own...)
}

func (s *Server) showSample(w http.ResponseWriter, r *http.Request) error {
	values, changed, err := tidy(r.URL.RawQuery)
	if err != nil {
		return err
	}
	tidied := values.Encode()
	c, err := parseSample(values)
	if err != nil {
		return err
	}
	if changed {
		http.Redirect(w, r, samplePath+"?"+tidied, http.StatusSeeOther)
		return nil
	}
	if s.Figures == nil {
		return errUnavailable
	}
	page := s.sampleForm(&c)
	err = s.drawSample(r.Context(), &c, &page)
	v := view{Template: "desk-sample", Title: text{"Undian sampel", "Random samples"}}
	page.Command = c.command(addressOf(r, s.SecureCookies), page.Checkpoint.Size)
	if unsettled(err) != nil && c.format == "" {
		v.Data = page
		return s.renderAnswer(w, r, v, err)
	}
	if err != nil {
		return err
	}
	switch c.format {
	case "csv":
		return s.sampleCSV(w, page.Sample)
	case "json":
		return writeJSON(w, http.StatusOK, page.Sample)
	}
	v.Data = page
	return s.render(w, r, v)
}

func (s *Server) sampleForm(c *sampleQuestion) samplePage {
	page := samplePage{Form: s.form(&c.question, samplePath, s.Now()), Seed: c.seed, N: c.n, Records: c.records, Name: measureWords(c.Measure)}
	if c.size != 0 {
		page.Size = strconv.FormatUint(uint64(c.size), 10)
	}
	for _, m := range ledger.MeasureTable {
		page.Measures = append(page.Measures, option{m.Name, word("measure", m.Name), m.Name == c.Measure})
	}
	if len(c.Query.Measures) > 1 {
		page.Measures = append(page.Measures, option{c.Measure, measureWords(c.Measure), true})
	}
	page.By = append([]option{{"", text{"tanpa strata", "no strata"}, c.By == ""}}, page.Form.By...)
	return page
}

// drawSample draws, if there is a seed; else it says how many there are to draw
// from.
func (s *Server) drawSample(ctx context.Context, c *sampleQuestion, page *samplePage) error {
	list, err := s.keptList(ctx)
	if err != nil {
		return err
	}
	size := c.size
	if size == 0 && len(list) > 0 {
		size = list[len(list)-1]
	}
	if _, found := slices.BinarySearch(list, size); !found {
		return errNoCheckpoint
	}
	if page.Checkpoint, err = s.deskCheckpoint(ctx, size); err != nil {
		return err
	}
	strata, err := s.sampleStrata(ctx, c, size, page)
	if err != nil {
		return err
	}
	if c.By == "" {
		page.Population = len(strata[""])
	}
	for _, share := range []int{1, 2, 5, 10} {
		row := sampleAdvice{Share: share}
		for _, confidence := range sampleConfidences {
			row.N = append(row.N, verify.SampleSize(uint64(page.Population), float64(share)/100, float64(confidence)/100))
		}
		page.Sizes = append(page.Sizes, row)
	}
	if c.seed == "" {
		return nil
	}
	lot := verify.Lot{Seed: c.seed, Size: size, Root: page.Checkpoint.Root, Question: page.Question}
	sample := lot.Sample(s.origin, c.By, c.n, strata)
	page.Sample, page.CSV, page.JSON = &sample, c.to(size, "csv"), c.to(size, "json")
	for _, one := range sample.Strata {
		shown := sampleStratum{Value: one.Value, By: c.By, Of: one.Population}
		for _, d := range one.Drawn {
			if page.Bytes == "" {
				page.Bytes = string(lot.Bytes(d.Item))
			}
			line := sampleLine{Item: d.Item, Rank: d.Rank, Name: text{d.Item, d.Item}}
			line.link(c, size)
			shown.Lines = append(shown.Lines, line)
		}
		page.Strata = append(page.Strata, shown)
	}
	return nil
}

// link leads to what was drawn, as the checkpoint's records tell of it.
func (l *sampleLine) link(c *sampleQuestion, size ledger.Position) {
	id, respondent, _ := strings.Cut(l.Item, " ")
	switch {
	case c.records:
		l.Href = replayPath + "?at=" + l.Item
	case c.Query.Unit == ledger.UnitCase || c.Query.Unit == ledger.UnitRespondent:
		l.Name = text{strings.TrimSpace(shortID(id) + " " + respondent), strings.TrimSpace(shortID(id) + " " + respondent)}
		l.Href = casesPath + "/" + id + "?known-at=" + strconv.FormatUint(uint64(size), 10)
	default:
		l.Name = keyWord(c.Query.Unit, l.Item)
	}
}

// sampleStrata asks for what the question counts by the checkpoint's records, and
// writes the question in its one form.
func (s *Server) sampleStrata(ctx context.Context, c *sampleQuestion, size ledger.Position, page *samplePage) (map[string][]string, error) {
	if c.records {
		if size > recordsMost {
			return nil, errLotLarge
		}
		page.Question = verify.RecordsQuestion
		return map[string][]string{"": verify.RecordItems(size)}, nil
	}
	q := c.Query
	q.KnownAt = size
	last, err := s.Figures.Records(ctx, size, size)
	if err != nil {
		return nil, figureError(err)
	}
	if len(last) == 0 {
		return nil, errTooNew
	}
	if q.AsOf.IsZero() {
		q.AsOf = last[0].Recorded
	}
	if page.Question, err = verify.SampleQuestion(q, last[0].Recorded); err != nil {
		if errors.Is(err, verify.ErrSampleMoment) {
			err = errSampleMoment
		}
		return nil, err
	}
	a, err := s.Figures.Figure(ctx, q)
	if err != nil {
		return nil, figureError(err)
	}
	if a.Value > lotMost {
		return nil, errLotLarge
	}
	extent, err := s.extent(ctx)
	if err != nil {
		return nil, err
	}
	page.Population, page.Asked = int(a.Value), c.askedOf(samplePath, a, extent)
	if c.By == "" {
		keys, err := s.sampleKeys(ctx, a.Query)
		return map[string][]string{"": keys}, err
	}
	return s.strataBy(ctx, a.Query, c.By)
}

// strataBy asks for what each value of a dimension counts.
func (s *Server) strataBy(ctx context.Context, q ledger.Query, by string) (map[string][]string, error) {
	_, groups, err := s.Figures.FiguresBy(ctx, q, by)
	if err != nil {
		return nil, figureError(err)
	}
	if len(groups) > strataMost {
		return nil, errStrata
	}
	out := map[string][]string{}
	for _, g := range groups {
		if g.Value == "" {
			continue
		}
		one := q
		one.Filter = map[string]string{by: g.Value}
		for name, value := range q.Filter {
			one.Filter[name] = value
		}
		if out[g.Value], err = s.sampleKeys(ctx, one); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// errTooNew says that the read models have not come to the checkpoint yet.
var errTooNew = problem(http.StatusConflict, "not-settled", text{
	"Catatan titik periksa ini belum semuanya diolah. Coba lagi sebentar.", "The records of this checkpoint have not all been applied yet. Try again in a moment.",
}).again(2)

func (s *Server) sampleKeys(ctx context.Context, q ledger.Query) ([]string, error) {
	list, err := s.Figures.CasesBehind(ctx, q, 0)
	if err != nil {
		return nil, figureError(err)
	}
	keys := make([]string, 0, len(list))
	for _, one := range list {
		keys = append(keys, one.Key)
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// command is how to draw the same elsewhere.
func (c *sampleQuestion) command(address string, size ledger.Position) string {
	seed := c.seed
	if seed == "" {
		seed = "..."
	}
	out := []string{"berkas sample --from", address, "--token-file token --policy policy.txt", "--checkpoint", strconv.FormatUint(uint64(size), 10), "--seed", quoteShell(seed), "--n", strconv.Itoa(c.n)}
	if c.records {
		return strings.Join(append(out, "--records"), " ")
	}
	out = append(out, "--measure", c.Measure, "--unit", string(c.Query.Unit))
	if !c.Query.AsOf.IsZero() {
		out = append(out, "--as-of", writeMoment(c.Query.AsOf))
	}
	if !c.Query.Since.IsZero() {
		out = append(out, "--since", writeMoment(c.Query.Since))
	}
	if c.Query.SeenBy != "" {
		out = append(out, "--seen-by", string(c.Query.SeenBy))
	}
	for _, name := range ledger.Filters {
		if value, ok := c.Query.Filter[name]; ok {
			out = append(out, "--filter", quoteShell(name+"="+value))
		}
	}
	if c.By != "" {
		out = append(out, "--by", c.By)
	}
	return strings.Join(out, " ")
}

// quoteShell writes a word for a POSIX shell.
func quoteShell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (s *Server) sampleCSV(w http.ResponseWriter, sample *verify.Sample) error {
	columns, rows := sample.Table()
	var b bytes.Buffer
	out, err := exports.NewCSV(&b, exports.CSVOptions{}, columns)
	if err != nil {
		return err
	}
	for _, cells := range rows {
		row := make(exports.Row, len(cells))
		for i, cell := range cells {
			row[i] = cell
		}
		if err := out.Add(row); err != nil {
			return err
		}
	}
	if err := out.End(); err != nil {
		return err
	}
	w.Header().Set("Content-Type", csvType)
	attach(w.Header(), "sample.csv")
	_, _ = w.Write(b.Bytes()) // whoever has gone hears nothing
	return nil
}

// Confidences are for templates.
func (samplePage) Confidences() []int { return sampleConfidences }
