package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

type nationalFlags struct {
	asOf, knownAt, since, unit, measure, seenBy, by string
	filters                                         []string
	cases                                           int
}

func newNational(o *options) *cobra.Command {
	var n nationalFlags
	c := &cobra.Command{
		Use:   "national",
		Short: "Give national figures, for any two times",
		Long: `Give figures of the national view. Every figure has a measure, a unit, filters, an
observer and two times: what had happened by --as-of, using only what was recorded
by --known-at. A bare date is the end of that day in Jakarta. History that was
imported later happened then and was recorded now.

Measures: ` + strings.Join(measureList(), ", ") + `; a sum is written a+b.
Filters (--filter name=value) and --by: ` + strings.Join(ledger.Filters, ", ") + `.

` + exitHelp,
		Example: `  berkas national --as-of 2020-11-26 --seen-by bkn
  berkas national --as-of 2020-11-26 --seen-by bkn --measure blocked --by office
  berkas national --unit case --seen-by bawaslu --measure opened --filter origin=finding --as-of 2020-10-04
  berkas national --measure sanctioned --as-of 2020-12-31 --known-at 5000 -o json`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := o.reader(cmd.Context())
			if err != nil {
				return err
			}
			defer r.Close()
			if err := n.warn(cmd.Context(), r, o.log()); err != nil {
				return err
			}
			if err := o.sayInvented(cmd, r); err != nil {
				return err
			}
			return n.run(cmd.Context(), r, cmd.OutOrStdout(), o.output)
		},
	}
	f := c.Flags()
	f.StringVar(&n.asOf, "as-of", "", "what had happened by then: a date or time (default: when the last record was recorded)")
	f.StringVar(&n.knownAt, "known-at", "", "using only what was recorded by then: a position, date or time (default: the last record)")
	f.StringVar(&n.since, "since", "", "only what began after then: a date or time")
	f.StringVar(&n.unit, "unit", "respondent", "what is counted: case, respondent, recommendation or ppk")
	f.StringVar(&n.measure, "measure", "", "a measure or a sum a+b (default: all)")
	f.StringVar(&n.seenBy, "seen-by", "", "only cases that this agency opened, was sent or acted on")
	f.StringVar(&n.by, "by", "", "break down by a filter")
	f.StringArrayVar(&n.filters, "filter", nil, "name=value; may be given several times")
	f.IntVar(&n.cases, "cases", 0, "list up to so many of what the figure counts; instead of the figure with -o json or csv")
	return c
}

// sayInvented says that the figures are of no real ledger, when its origin says so:
// before a table, and beside what programs read.
func (o *options) sayInvented(cmd *cobra.Command, r *projections.Reader) error {
	origin, err := r.Origin(cmd.Context())
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if o.output != "table" {
		w = cmd.ErrOrStderr()
	}
	printInvented(w, origin)
	return nil
}

// warn says when an observer has seen nothing at all, which a misspelled name
// has not either.
func (n *nationalFlags) warn(ctx context.Context, r *projections.Reader, log *slog.Logger) error {
	agency := ledger.AgencyID(n.seenBy)
	switch {
	case agency == "":
		return nil
	case !agency.Valid():
		return usage("--seen-by is an agency such as bawaslu, not %q", n.seenBy)
	}
	seen, err := r.Saw(ctx, agency)
	if err == nil && !seen {
		log.Warn("no case was ever seen by this agency; see 'berkas codes agencies'", "agency", agency)
	}
	return err
}

func measureList() []string {
	var out []string
	for _, m := range ledger.MeasureTable {
		out = append(out, m.Name)
	}
	return out
}

// reader connects to the read models of --database or of the running ledger.
func (o *options) reader(ctx context.Context) (*projections.Reader, error) {
	url, err := o.databaseURL()
	if err != nil {
		return nil, err
	}
	r, err := projections.OpenReader(ctx, url)
	if err != nil {
		return nil, err
	}
	if o.database == "" {
		o.catchUp(ctx, r)
	}
	if p, err := r.Progress(ctx); err == nil && p.Stopped != "" {
		o.log().Warn("the projections stopped; nothing later is in these figures", "position", p.Position, "because", p.Stopped)
	}
	return r, nil
}

// catchUpPatience is how long figures wait for what was recorded a moment before: on
// a machine with much to do the read models follow by seconds.
const catchUpPatience = 10 * time.Second

// catchUp waits a moment until the read models have what is on the ledger now, so
// that whoever has just got a receipt finds its event in the figures. Figures say
// how far they go, so it is no error when they do not get there.
func (o *options) catchUp(ctx context.Context, r *projections.Reader) {
	ctx, cancel := context.WithTimeout(ctx, catchUpPatience)
	defer cancel()
	last, err := o.lastRecorded(ctx)
	if err == nil && last > 0 {
		err = r.Wait(ctx, last)
	}
	if err != nil {
		o.log().Warn("the read models are behind the ledger", "error", err)
	}
}

// lastRecorded is the position of the last record, 0 if nobody tells it. The
// running ledger tells it over HTTP as of every receipt that has left; LEDGER,
// which is asked where HTTP is off, follows receipts by milliseconds.
func (o *options) lastRecorded(ctx context.Context) (ledger.Position, error) {
	if h, err := o.home(); err == nil {
		if r, ok := h.found(); ok && r.HTTP != "" {
			if last, err := askPosition(ctx, r.HTTP); err == nil {
				return last, nil
			}
		}
	}
	v, err := o.view(ctx)
	if err != nil || v.follower == nil {
		return 0, nil // PostgreSQL answers without the ledger, too
	}
	defer v.close()
	return v.follower.Head(ctx)
}

// askPosition reads the last position from a ledger's /readyz, whether or not all
// of it is ready.
func askPosition(ctx context.Context, url string) (ledger.Position, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	var said struct {
		Position ledger.Position `json:"position"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 64<<10)).Decode(&said); err != nil {
		return 0, err
	}
	if said.Position == 0 {
		return 0, errors.New("it does not say how far the ledger is")
	}
	return said.Position, nil
}

func (o *options) databaseURL() (string, error) {
	if o.database != "" {
		return o.database, nil
	}
	h, err := o.home()
	if err != nil {
		return "", err
	}
	r, err := h.runs("name a database with --database")
	return r.Database, err
}

// query reads the flags.
func (n *nationalFlags) query(ctx context.Context, r *projections.Reader) (ledger.Query, error) {
	q := ledger.Query{Unit: ledger.Unit(n.unit), SeenBy: ledger.AgencyID(n.seenBy), Filter: map[string]string{}}
	var err error
	if n.asOf != "" {
		if q.AsOf, err = ledger.ParseMoment(n.asOf); err != nil {
			return q, usage("--as-of: %w", err)
		}
	}
	if n.since != "" {
		if q.Since, err = ledger.ParseMoment(n.since); err != nil {
			return q, usage("--since: %w", err)
		}
	}
	if q.KnownAt, err = knownAt(ctx, r, n.knownAt); err != nil {
		return q, err
	}
	for _, f := range n.filters {
		name, value, ok := strings.Cut(f, "=")
		if _, twice := q.Filter[name]; !ok || twice {
			return q, usage("--filter is name=value, each name once, not %q", f)
		}
		q.Filter[name] = value
	}
	q.Measures = []ledger.Measure{ledger.Opened}
	if n.measure != "" {
		if q.Measures, err = ledger.ParseMeasures(n.measure); err != nil {
			return q, usage("--measure: %w", err)
		}
	}
	if err := q.Validate(); err != nil {
		return q, usage("%w", err)
	}
	if n.by != "" && !slices.Contains(ledger.Filters, n.by) {
		return q, usage("--by is one of %s, not %q", strings.Join(ledger.Filters, ", "), n.by)
	}
	return q, nil
}

func knownAt(ctx context.Context, r *projections.Reader, text string) (ledger.Position, error) {
	if text == "" {
		return 0, nil
	}
	if p, err := strconv.ParseUint(text, 10, 64); err == nil {
		if p == 0 {
			return 0, usage("--known-at: positions count from 1")
		}
		return ledger.Position(p), nil
	}
	t, err := ledger.ParseMoment(text)
	if err != nil {
		return 0, usage("--known-at: %w, nor a position", err)
	}
	p, err := r.PositionAt(ctx, t)
	if err == nil && p == 0 {
		return 0, notFound("nothing had been recorded by %s", wib(t))
	}
	return p, err
}

// figure is what JSON prints of a figure: everything that says what it counts.
type figure struct {
	Measure  string            `json:"measure"`
	Unit     ledger.Unit       `json:"unit"`
	Filter   map[string]string `json:"filter,omitempty"`
	SeenBy   ledger.AgencyID   `json:"seen_by,omitempty"`
	Since    *time.Time        `json:"since,omitempty"`
	AsOf     time.Time         `json:"as_of"`
	KnownAt  ledger.Position   `json:"known_at"`
	Recorded time.Time         `json:"known_at_recorded"`
	Value    uint64            `json:"value"`
}

func figureOf(measure string, a projections.Answer) figure {
	f := figure{
		Measure: measure, Unit: a.Query.Unit, Filter: a.Query.Filter, SeenBy: a.Query.SeenBy,
		AsOf: a.Query.AsOf, KnownAt: a.Query.KnownAt, Recorded: a.Known, Value: a.Value,
	}
	if !a.Query.Since.IsZero() {
		f.Since = &a.Query.Since
	}
	return f
}

func (n *nationalFlags) run(ctx context.Context, r *projections.Reader, w io.Writer, format string) error {
	q, err := n.query(ctx, r)
	if err != nil {
		return err
	}
	names := []string{n.measure}
	queries := []ledger.Query{q}
	if n.measure == "" {
		names, queries = measureList(), nil
		for _, m := range ledger.MeasureTable {
			one := q
			one.Measures = []ledger.Measure{m.Measure}
			queries = append(queries, one)
		}
	}
	answers, err := r.Figures(ctx, queries)
	if err != nil {
		return err
	}
	t := table{columns: []string{"measure", "value"}}
	figures := make([]figure, len(answers))
	for i, a := range answers {
		figures[i] = figureOf(names[i], a)
		t.add(names[i], strconv.FormatUint(a.Value, 10))
	}
	t.value = figures
	if n.by != "" {
		if t, err = n.breakdown(ctx, r, names, queries, answers); err != nil {
			return err
		}
	}
	if format == "table" {
		fmt.Fprintln(w, describe(answers[0]))
	}
	if n.cases > 0 && format != "table" {
		return n.behind(ctx, r, q, w, format) // one document, not two
	}
	if err := t.print(w, format); err != nil || n.cases == 0 {
		return err
	}
	fmt.Fprintln(w)
	return n.behind(ctx, r, q, w, format)
}

// describe says in one line what the figures below it count.
func describe(a projections.Answer) string {
	q := a.Query
	parts := []string{fmt.Sprintf("unit %s, as of %s, known at position %d (recorded %s)", q.Unit, wib(q.AsOf), q.KnownAt, wib(a.Known))}
	if q.SeenBy != "" {
		parts = append(parts, "seen by "+string(q.SeenBy))
	}
	if !q.Since.IsZero() {
		parts = append(parts, "since "+wib(q.Since))
	}
	for _, name := range ledger.Filters {
		if v, ok := q.Filter[name]; ok {
			parts = append(parts, name+"="+v)
		}
	}
	return strings.Join(parts, ", ")
}

type group struct {
	figure
	By    string `json:"by"`
	Group string `json:"group"`
}

func (n *nationalFlags) breakdown(ctx context.Context, r *projections.Reader, names []string, queries []ledger.Query, whole []projections.Answer) (table, error) {
	t := table{columns: []string{n.by}}
	var list []group
	cells := map[string]map[int]uint64{}
	for i, q := range queries {
		a, groups, err := r.FiguresBy(ctx, q, n.by)
		if err != nil {
			return t, err
		}
		t.columns = append(t.columns, names[i])
		for _, g := range groups {
			f := figureOf(names[i], a)
			f.Value = g.Count
			list = append(list, group{f, n.by, g.Value})
			if cells[g.Value] == nil {
				cells[g.Value] = map[int]uint64{}
			}
			cells[g.Value][i] = g.Count
		}
	}
	var values []string
	for v := range cells {
		values = append(values, v)
	}
	slices.Sort(values)
	for _, v := range values {
		row := []string{dash(v)}
		for i := range queries {
			row = append(row, strconv.FormatUint(cells[v][i], 10))
		}
		t.add(row...)
	}
	total := []string{"total"}
	for _, a := range whole {
		total = append(total, strconv.FormatUint(a.Value, 10))
	}
	t.add(total...)
	t.value = list
	return t, nil
}

func (n *nationalFlags) behind(ctx context.Context, r *projections.Reader, q ledger.Query, w io.Writer, format string) error {
	list, err := r.CasesBehind(ctx, q, n.cases)
	if err != nil {
		return err
	}
	t := table{columns: []string{"case", "respondent", "measure", "since"}}
	for _, c := range list {
		t.add(c.Case, c.Respondent, c.Measure, wib(c.Since))
	}
	return t.print(w, format)
}
