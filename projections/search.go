package projections

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Finding cases by what is written on paper about them. Every answer is a range of
// an index, whatever the number of cases.

// SearchQuery asks for cases.
type SearchQuery struct {
	// Text is a case's id, a number of a letter, decree, register, ruling or
	// document, a SHA-256, or the code of an institution or place. Numbers are
	// compared as Normal writes them, from their beginning on.
	Text string
	// Fields narrows the search; none: all.
	Fields []Field
	// KnownAt is the last record that is used; 0: the last applied one.
	KnownAt ledger.Position
	// After goes on where an answer's Group.After says; with one field only.
	After string
	// Limit is how many to list of each field, 1 to MostFound.
	Limit int
}

const (
	// MostFound bounds SearchQuery.Limit.
	MostFound = 200
	// MostCounted is how far what was found is counted; Group.Total is not more.
	MostCounted = 1000
	// MostSearched is how long a text to search for may be, in bytes.
	MostSearched = 200
	// leastNormal is how long a number has to be for others that begin with it to
	// be listed; shorter ones have to be whole.
	leastNormal = 3
)

// Errors of Search.
var (
	// ErrPersonal says that the text looks like a number of a person, a telephone
	// or an address of e-mail. No such thing is on the ledger, or can be searched.
	ErrPersonal = errors.New("what is searched for looks like personal data, which is sealed and cannot be searched")
	// ErrSearch says that nothing can be searched for so: an empty text, one that is
	// too long, or an After that no answer gave.
	ErrSearch = errors.New("nothing can be searched for so")
)

// SearchAnswer is what was found, field by field.
type SearchAnswer struct {
	KnownAt ledger.Position // as answered
	Known   time.Time       // when the record there was recorded
	Settled Settled
	Groups  []FoundGroup
}

// FoundGroup is what was found in one field.
type FoundGroup struct {
	Field Field
	Found []Found
	// Total counts what was found, up to MostCounted.
	Total int
	// After goes on from here; "" at the end.
	After string

	last string // value of the last one
}

// Found is one record by which a case was found.
type Found struct {
	Case string
	// Text is what the record says, as it is written there; Exact: it is what was
	// searched for, wholly. Else it begins with it.
	Text  string
	Exact bool
	Last  LastRecord // the record that says so
	// Corrected is the position of the first correction of that record, 0 without.
	Corrected ledger.Position
	// Respondents are those of the case as it stands, as known at the query's
	// position.
	Respondents []FoundRespondent
	Holder      ledger.AgencyID // of the case
}

// FoundRespondent is a respondent's part of a case that was found.
type FoundRespondent struct {
	Respondent  string
	Institution string
	Stage       ledger.Stage
}

// span is a stretch of an index: values from first to last, both included.
type valueSpan struct {
	field       Field
	first, last string
	exact       string // the value that was searched for
	tail        string // of a case's id: its end
}

// beyond follows every byte of normal forms and codes.
const beyond = "~"

// Personal reports whether a text is what nobody may search for: it looks like a
// number of a person, a telephone or an address of e-mail, or it is nothing but 16
// or 18 digits, however divided.
func Personal(text string) bool {
	digits, other := 0, 0
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c > ' ' && !strings.ContainsRune(".-/_", c):
			other++
		}
	}
	return other == 0 && (digits == 16 || digits == 18) || ledger.DirectIdentifier(text)
}

// spans lists what of each field a text asks for.
func (q *SearchQuery) spans() []valueSpan {
	var out []valueSpan
	normal, code := Normal(q.Text), strings.ToLower(strings.TrimSpace(q.Text))
	for _, f := range Fields {
		if len(q.Fields) > 0 && !slices.Contains(q.Fields, f) {
			continue
		}
		switch {
		case f == FieldCase:
			if first, last, tail, ok := parseCasePrefix(q.Text); ok {
				out = append(out, valueSpan{f, first.String(), last.String(), first.String(), tail})
			}
		case f == FieldDocument && len(code) == 64 && isHex(code):
			out = append(out, valueSpan{f, digestPrefix + code, digestPrefix + code, digestPrefix + code, ""})
		case slices.Contains(soughtNumbers, f):
			if s := (valueSpan{f, normal, normal + beyond, normal, ""}); normal != "" {
				if len(normal) < leastNormal {
					s.last = normal
				}
				out = append(out, s)
			}
		default:
			for _, value := range placeCodes(f, code) {
				out = append(out, valueSpan{f, value, value, value, ""})
			}
			if f == FieldRegion && provinceCode(code) {
				out[len(out)-1].last += beyond // and its regencies
			}
		}
	}
	return out
}

// Search finds cases. Groups without a case are left out. A text that looks like
// personal data is ErrPersonal, one that cannot be searched for ErrSearch.
func (r *Reader) Search(ctx context.Context, q SearchQuery) (SearchAnswer, error) {
	var out SearchAnswer
	switch {
	case Personal(q.Text):
		return out, ErrPersonal
	case strings.TrimSpace(q.Text) == "", len(q.Text) > MostSearched, q.Limit < 1, q.Limit > MostFound, q.After != "" && len(q.Fields) != 1:
		return out, ErrSearch
	}
	p, err := r.Progress(ctx)
	if err != nil {
		return out, err
	}
	settled, err := p.settle(ledger.Query{KnownAt: q.KnownAt})
	if err != nil {
		return out, err
	}
	out.KnownAt, out.Settled = settled.KnownAt, Settled{p.Position, p.Recorded}
	if err := r.pool.QueryRow(ctx, "SELECT recorded FROM projection.record WHERE position = $1", int64(out.KnownAt)).Scan(&out.Known); err != nil {
		return out, asking("the time of a record", err)
	}
	out.Known = out.Known.UTC()
	spans := q.spans()
	for len(spans) > 0 {
		n := 1 // a code of four digits is two: a central institution's and a regency's
		for n < len(spans) && spans[n].field == spans[0].field {
			n++
		}
		g := FoundGroup{Field: spans[0].field}
		if err := r.find(ctx, &g, spans[:n], out.KnownAt, q); err != nil {
			return out, err
		}
		if spans = spans[n:]; len(g.Found) > 0 {
			out.Groups = append(out.Groups, g)
		}
	}
	return out, r.describeFound(ctx, out.Groups, out.KnownAt, p.Recorded)
}

// find reads the stretches of one field, in the order of their values.
func (r *Reader) find(ctx context.Context, g *FoundGroup, spans []valueSpan, known ledger.Position, q SearchQuery) error {
	if g.Field == FieldCase {
		return r.findCases(ctx, g, spans[0], known, q)
	}
	value, after, ok := cutAfter(q.After)
	ok = ok && (q.After == "" || slices.ContainsFunc(spans, func(s valueSpan) bool { return value >= s.first && value <= s.last }))
	if !ok {
		return ErrSearch
	}
	slices.SortFunc(spans, func(a, b valueSpan) int { return strings.Compare(a.first, b.first) })
	for _, s := range spans {
		if err := r.findSaid(ctx, g, s, known, q.Limit, value, after); err != nil {
			return err
		}
	}
	g.Total = min(g.Total, MostCounted)
	return nil
}

// foundColumns are those of a record by which a case is found.
const foundColumns = `r.position, r.kind, r.version, r.agency, r.happened, r.recorded, r.known, r.data,
	coalesce((SELECT min(c.position) FROM projection.record c
		WHERE c.case_id = r.case_id AND c.kind = 'event.corrected' AND c.position <= $1 AND c.data->>'event' = r.event_id::text AND c.data->>'kind' = r.kind), 0)`

// findSaid reads a stretch of the table sought, after a value and position.
func (r *Reader) findSaid(ctx context.Context, g *FoundGroup, s valueSpan, known ledger.Position, limit int, value string, after ledger.Position) error {
	const where = "field = $2 AND value >= $3 AND value <= $4 AND position <= $1"
	var total int
	if err := r.pool.QueryRow(ctx, "SELECT count(*) FROM (SELECT FROM projection.sought WHERE "+where+" LIMIT $5) s",
		int64(known), s.field, s.first, s.last, MostCounted).Scan(&total); err != nil {
		return asking("what was searched for", err)
	}
	if g.Total += total; total == 0 || value > s.last || g.After != "" {
		return nil
	}
	if value < s.first { // the index is read from the pair on, whatever else bounds it
		value, after = s.first, 0
	}
	rows, err := r.pool.Query(ctx, `
		SELECT s.case_id, s.value, `+foundColumns+`
		FROM (SELECT value, position, case_id FROM projection.sought
			WHERE `+where+` AND (value, position) > ($5, $6) ORDER BY value, position LIMIT $7) s
		JOIN projection.record r ON r.position = s.position ORDER BY s.value, s.position`,
		int64(known), s.field, s.first, s.last, value, int64(after), limit-len(g.Found)+1)
	if err != nil {
		return asking("what was searched for", err)
	}
	return g.collect(rows, limit, s.exact)
}

// findCases reads cases by the beginning of their id: each with its first record.
func (r *Reader) findCases(ctx context.Context, g *FoundGroup, s valueSpan, known ledger.Position, q SearchQuery) error {
	after := uuid.Nil.String()
	if q.After != "" {
		id, err := uuid.Parse(q.After)
		if err != nil || id.String() < s.first || id.String() > s.last {
			return ErrSearch
		}
		after = q.After
	}
	ids := `SELECT case_id, min(position) AS position FROM projection.record
		WHERE case_id >= $2 AND case_id <= $3 AND position <= $1 AND case_id::text LIKE '%' || $4 GROUP BY case_id`
	if err := r.pool.QueryRow(ctx, "SELECT count(*) FROM (SELECT FROM ("+ids+") i LIMIT $5) s", int64(known), s.first, s.last, s.tail, MostCounted).
		Scan(&g.Total); err != nil {
		return asking("cases by their ids", err)
	}
	rows, err := r.pool.Query(ctx, `
		SELECT s.case_id, s.case_id::text, `+foundColumns+`
		FROM (SELECT * FROM (`+ids+`) i WHERE case_id > $5::uuid ORDER BY case_id LIMIT $6) s
		JOIN projection.record r ON r.position = s.position ORDER BY s.case_id`,
		int64(known), s.first, s.last, s.tail, after, q.Limit+1)
	if err != nil {
		return asking("cases by their ids", err)
	}
	return g.collect(rows, q.Limit, s.exact)
}

// collect reads rows, one more than may be listed if there are more.
func (g *FoundGroup) collect(rows pgx.Rows, limit int, exact string) error {
	var id uuid.UUID
	var value string
	var last LastRecord
	var known bool
	var data []byte
	var corrected int64
	_, err := pgx.ForEachRow(rows, []any{&id, &value, &last.Position, &last.Kind, &last.Version, &last.Agency, &last.Happened, &last.Recorded, &known, &data, &corrected}, func() error {
		if len(g.Found) == limit {
			g.After = afterOf(g.Field, g.last, g.Found[limit-1].Last.Position)
			return nil
		}
		last.Happened, last.Recorded, g.last = last.Happened.UTC(), last.Recorded.UTC(), value
		f := Found{Case: id.String(), Text: value, Exact: value == exact, Last: last, Corrected: ledger.Position(corrected)}
		if known && g.Field != FieldCase {
			payload, err := ledger.DecodePayload(last.Kind, last.Version, data)
			if err != nil {
				return fmt.Errorf("record %d as it stands in PostgreSQL: %w; run berkas rebuild", last.Position, err)
			}
			f.Text = textOf(payload, g.Field, value)
		}
		g.Found = append(g.Found, f)
		return nil
	})
	if err != nil {
		return asking("what was found", err)
	}
	return nil
}

func afterOf(f Field, value string, p ledger.Position) string {
	if f == FieldCase {
		return value
	}
	return strconv.FormatUint(uint64(p), 10) + "." + value
}

// cutAfter reads where a list goes on; the zero values are its beginning.
func cutAfter(after string) (value string, p ledger.Position, ok bool) {
	if after == "" {
		return "", 0, true
	}
	number, value, found := strings.Cut(after, ".")
	n, err := strconv.ParseUint(number, 10, 63)
	return value, ledger.Position(n), found && err == nil && len(value) <= MostSearched && strings.Trim(value, soughtBytes) == ""
}

// soughtBytes are those of values in the table sought.
const soughtBytes = "abcdefghijklmnopqrstuvwxyz0123456789/.-"

// describeFound says of the cases that were found how they stand.
func (r *Reader) describeFound(ctx context.Context, groups []FoundGroup, known ledger.Position, asOf time.Time) error {
	var ids []string
	for _, g := range groups {
		for _, f := range g.Found {
			ids = append(ids, f.Case)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := r.pool.Query(ctx, `
		SELECT case_id::text, respondent, coalesce(institution, ''), stage, coalesce(holder, '') FROM projection.respondent_history
		WHERE case_id = ANY ($1::uuid[]) AND happened_from <= $2 AND happened_to > $2 AND recorded_from <= $3 AND recorded_to > $3
		ORDER BY case_id, length(respondent), respondent`, ids, asOf, int64(known))
	if err != nil {
		return asking("the cases that were found", err)
	}
	parts, holders := map[string][]FoundRespondent{}, map[string]ledger.AgencyID{}
	var id string
	var one FoundRespondent
	var holder ledger.AgencyID
	if _, err := pgx.ForEachRow(rows, []any{&id, &one.Respondent, &one.Institution, &one.Stage, &holder}, func() error {
		parts[id], holders[id] = append(parts[id], one), holder
		return nil
	}); err != nil {
		return asking("the cases that were found", err)
	}
	for i := range groups {
		for j := range groups[i].Found {
			f := &groups[i].Found[j]
			f.Respondents, f.Holder = parts[f.Case], holders[f.Case]
		}
	}
	return nil
}

// Link is a record of another case that names one.
type Link struct {
	Case     string // the other one
	Position ledger.Position
}

// MostLinks is how many links LinkedTo gives.
const MostLinks = 100

// LinkedTo lists the records of other cases that tie these to a case, by position,
// as far as they were applied; corrected ones too. known is the last record that is
// used, 0: all.
func (r *Reader) LinkedTo(ctx context.Context, id string, known ledger.Position) ([]Link, error) {
	if known == 0 {
		known = math.MaxInt64
	}
	rows, err := r.pool.Query(ctx, `SELECT case_id::text, position FROM projection.sought
		WHERE field = $1 AND value = $2 AND position <= $3 ORDER BY position LIMIT $4`, fieldLink, id, int64(known), MostLinks)
	if err != nil {
		return nil, asking("links to a case", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Link])
	if err != nil {
		return nil, asking("links to a case", err)
	}
	return list, nil
}
