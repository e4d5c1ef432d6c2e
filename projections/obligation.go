package projections

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Model obligation: what ledger.Row.Obligations says of every row of
// respondent_history under the rules known at each position, so that SQL can ask
// for due days without knowing how days are counted. Its readers are the view
// deadlines of laporan and the function beside it.
//
// A row there is replaced when a record changes the state that it belongs to, or
// when a rule is published that makes another of it. Passing time rewrites
// nothing: that a due day is over is seen by comparing, and what else follows
// from the moment that is asked about (hand-overs, and rights that lapse beside
// others) is cut into the spans in which it stays as it is. What a row here says of
// moments after its state ended counts for nothing, and no rule mends it. A state
// that owes no more than its next step, which no rule moves, has no row; the
// columns next_* of respondent_history have it.

const obligationTable = "obligation"

var obligationColumns = []string{
	"recorded_from", "recorded_to", "case_id", "respondent", "happened_from", "ordinal", "holds_from", "holds_to",
	"code", "also", "owed_by", "authority", "instead_of", "watched_by", "awaits", "since", "due", "due_ends",
	"at_most", "in_force", "provisional", "is_right", "state", "met", "regime", "basis", "doubt",
}

// nextColumns end a row of respondent_history.
var nextColumns = []string{"next_step", "next_owed_by", "next_authority", "next_since"}

// putNext encodes what follows without any rule: the next step, or nothing.
func putNext(b []byte, r *ledger.Row) []byte {
	list := r.Obligations(ledger.Rules{}, r.From)
	if len(list) == 0 {
		return putNull(putNull(putNull(putBool(b, false))))
	}
	b = putTextOrNull(putBool(b, true), list[0].OwedBy)
	return putTimeOrNull(putTextOrNull(b, list[0].Authority), list[0].Since)
}

// demand reports whether rules can make more of a row than its next step.
func demand(rules ledger.Rules) bool { return len(rules.Regimes) > 0 || handOver(rules.Grants) }

// handOver reports whether a grant names whose place its agency takes.
func handOver(grants []ledger.Grant) bool {
	return slices.ContainsFunc(grants, func(g ledger.Grant) bool { return g.Predecessor != "" })
}

// moves reports whether a rule that was published may change what is owed.
func moves(before, after ledger.Rules, payload any) bool {
	switch p := payload.(type) {
	case *ledger.Regime:
		return true
	case *ledger.Contest: // some deadlines are those of one kind
		return len(before.Regimes) > 0 && before.Contests[p.ID].Kind != after.Contests[p.ID].Kind
	case *ledger.Holidays:
		return len(before.Regimes) > 0 // it speaks of their deadlines
	case *ledger.Genesis, *ledger.MandateGranted, *ledger.MandateEnded:
		return reachOfHandOver(before.Grants, after.Grants).concerns != [2]bool{}
	default:
		return false
	}
}

// isRule reports whether a record is one that rules are published by: those that
// ruleKinds names.
func isRule(d *decoded) bool {
	if d.caseID != uuid.Nil {
		return false
	}
	switch d.event.Payload.(type) {
	case *ledger.Regime, *ledger.Contest, *ledger.Holidays, *ledger.Genesis, *ledger.MandateGranted, *ledger.MandateEnded:
		return true
	default:
		return false
	}
}

// stretch is a span of moments in which the obligations of a row stay as they are
// but for due days that pass; a zero to has no end.
type stretch struct {
	from, to time.Time
	owed     [][]byte // each encoded from its code on
	plain    bool     // no more than the next step, or nothing
}

// stretches cuts the time from a row's beginning on, without regard to when its
// state ended.
func stretches(r *ledger.Row, rules ledger.Rules) []stretch {
	var out []stretch
	for at := r.From; !at.IsZero(); {
		list := r.Obligations(rules, at)
		s := stretch{from: at, plain: plain(list)}
		for i := range list {
			s.owed = append(s.owed, putObligation(make([]byte, 0, usualObligation), &list[i]))
		}
		if at = turn(list, rules.Grants, at); len(out) > 0 && slices.EqualFunc(out[len(out)-1].owed, s.owed, bytes.Equal) {
			out[len(out)-1].to = at
			continue
		}
		s.to = at
		out = append(out, s)
	}
	return out
}

func plain(list []ledger.Obligation) bool {
	switch len(list) {
	case 0:
		return true
	case 1:
		return list[0].Code == ledger.NextStep && list[0].Regime == "" && list[0].InsteadOf == ""
	default:
		return false
	}
}

// turn is the first moment after another at which obligations may become others:
// a right lapses, which uncovers one that awaits the same and falls due later, or
// an agency's place is taken or given back. Zero: there is none.
func turn(list []ledger.Obligation, grants []ledger.Grant, after time.Time) (next time.Time) {
	consider := func(t time.Time) {
		if t.After(after) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, o := range list {
		if o.Right && o.State.Pending() && o.Due != "" {
			consider(o.Due.End().Add(time.Microsecond))
		}
	}
	for _, g := range grants {
		if g.Predecessor != "" {
			consider(g.From.Start())
			consider(g.Until.Start())
		}
	}
	return next
}

// usualObligation is how many bytes an encoded one seldom exceeds.
const usualObligation = 320

// putObligation encodes an obligation from its code on. What only the moment
// decides is left out: overdue and lapsed are open with a due day that is over.
func putObligation(b []byte, o *ledger.Obligation) []byte {
	state := ledger.ObligationOpen
	if o.State == ledger.ObligationMet || o.State == ledger.ObligationEnded {
		state = o.State
	}
	b = putTexts(putText(b, o.Code), o.Also)
	for _, s := range [...]string{o.OwedBy, o.Authority, string(o.InsteadOf), string(o.WatchedBy)} {
		b = putTextOrNull(b, s)
	}
	b = putTimeOrNull(putTexts(b, o.To), o.Since)
	if b = putTextOrNull(b, string(o.Due)); o.Due == "" {
		b = putNull(b)
	} else {
		b = putTime(b, o.Due.End())
	}
	b = putTextOrNull(putTextOrNull(b, string(o.AtMost)), string(o.InForce))
	b = putBool(putBool(b, o.Provisional), o.Right)
	b = putTimeOrNull(putText(b, string(state)), o.Met)
	for _, s := range [...]string{o.Regime, o.Basis, string(o.Doubt)} {
		b = putTextOrNull(b, s)
	}
	return b
}

// owedBy encodes what a row's respondent owes, each from its case on; nil when
// there is nothing but the next step.
func owedBy(id uuid.UUID, r *ledger.Row, rules ledger.Rules) [][]byte {
	if !demand(rules) {
		return nil
	}
	spans := stretches(r, rules)
	if !slices.ContainsFunc(spans, func(s stretch) bool { return !s.plain }) {
		return nil
	}
	var out [][]byte
	for _, s := range spans {
		for _, o := range s.owed {
			b := putTime(putText(putUUID(make([]byte, 0, 96+len(o)), id), r.Respondent), r.From)
			b = putInt2(b, int16(len(out)+1))
			b = putTimeOrInfinity(putTime(b, s.from), s.to)
			out = append(out, append(b, o...))
		}
	}
	return out
}

func sameOwed(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// owedMark is where the obligations of a row of respondent_history stand.
type owedMark struct {
	// ends are where recorded_to stands in the tuples of batch, as long as that
	// batch is not handed on; afterwards they are in the table.
	batch uint64
	ends  []int
}

// owe writes obligations that hold from p on.
func (b *batch) owe(list [][]byte, p ledger.Position) owedMark {
	m := owedMark{batch: b.number}
	for _, o := range list {
		b.owed = putInt8(putInt8(putTuple(b.owed, len(obligationColumns)), int64(p)), forever)
		m.ends = append(m.ends, len(b.owed)-8)
		b.owed = append(b.owed, o...)
	}
	return m
}

// disown ends a row's obligations at p.
func (b *batch) disown(id uuid.UUID, m mark, p ledger.Position) {
	switch {
	case m.owed.batch == b.number:
		for _, end := range m.owed.ends {
			binary.BigEndian.PutUint64(b.owed[end:], uint64(p))
		}
	case demand(b.rules): // else there never were any
		b.disowned = append(b.disowned, replaced{id, m.respondent, m.from, p})
	}
}

// endOwed ends the obligations of rows of respondent_history in the table, as
// many as there are. The lateral subquery leaves the planner one way, by the
// index.
func endOwed(ctx context.Context, tx pgx.Tx, schema schemaName, list []replaced) error {
	if len(list) == 0 {
		return nil
	}
	ids, respondents, happened, by := splitReplaced(list)
	if _, err := tx.Exec(ctx, fmt.Sprintf(`
		UPDATE %[1]s.obligation o SET recorded_to = c.by
		FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[]) AS c (case_id, respondent, happened, by)
		CROSS JOIN LATERAL (
			SELECT ctid FROM %[1]s.obligation
			WHERE case_id = c.case_id AND respondent = c.respondent AND happened_from = c.happened
			  AND recorded_to = 9223372036854775807
			OFFSET 0) old
		WHERE o.ctid = old.ctid`, schema), ids, respondents, happened, by); err != nil {
		return fmt.Errorf("end replaced obligations: %w", err)
	}
	return nil
}

// ruling is a record that changes the rules.
type ruling struct {
	before, after ledger.Rules
	at            ledger.Position
	// where leaves out, in SQL, rows that it cannot concern.
	where string
}

// newRuling works out whom a rule may concern; published are all rules with it.
func newRuling(before, after ledger.Rules, published []any, at ledger.Position) *ruling {
	r := &ruling{before, after, at, ""}
	switch p := published[len(published)-1].(type) {
	case *ledger.Contest:
		r.where = " AND contest = " + quote(strings.ReplaceAll(p.ID, "\x00", ""))
	case *ledger.Regime: // it counts for periods that begin in its days
		r.where = reachedWithin(p.From.Start(), p.Until.Start())
	case *ledger.Holidays:
		r.where = reachedWithin(reachOfHolidays(p.Year, after.Regimes, published))
	case *ledger.Genesis, *ledger.MandateGranted, *ledger.MandateEnded:
		r.where = reachOfHandOver(before.Grants, after.Grants).where()
	}
	return r
}

// handOverReach is what grants leave untouched that others came in the place of:
// moments before from (zero: none), and cases of which concerns is false, which
// are those that their holder has processed (1) and the others (0).
type handOverReach struct {
	from     time.Time
	concerns [2]bool
}

// reachOfHandOver compares who has taken whose place under grants, at each moment
// at which that may become another.
func reachOfHandOver(before, after []ledger.Grant) (reach handOverReach) {
	moments := []time.Time{{}}
	replaced := map[ledger.AgencyID]bool{}
	for _, g := range slices.Concat(before, after) {
		if g.Predecessor != "" {
			moments = append(moments, g.From.Start(), g.Until.Start())
			replaced[g.Predecessor] = true
		}
	}
	slices.SortFunc(moments, time.Time.Compare)
	for _, at := range slices.Compact(moments) {
		for agency := range replaced {
			for i := range reach.concerns {
				if ledger.Heir(agency, before, i == 1, at) == ledger.Heir(agency, after, i == 1, at) {
					continue
				}
				if reach.concerns == [2]bool{} {
					reach.from = at
				}
				reach.concerns[i] = true
			}
		}
	}
	return reach
}

// where selects at least the rows whose state lasted into the reach.
func (h handOverReach) where() (where string) {
	if aBound(h.from) {
		where = " AND happened_to > " + quote(h.from.UTC().Format(ledger.RecordedFormat))
	}
	if processed := reachedColumns()[processedAt]; !h.concerns[0] {
		where += fmt.Sprintf(" AND %s IS NOT NULL", processed)
	} else if !h.concerns[1] {
		where += fmt.Sprintf(" AND %s IS NULL", processed)
	}
	return where
}

// aBound reports whether PostgreSQL reads a moment; others bound nothing that is
// real.
func aBound(at time.Time) bool { return at.Year() >= 1900 && at.Year() <= 9999 }

// reachedWithin selects at least the rows of which a milestone was reached in a
// span, of which a zero time is no bound.
func reachedWithin(from, until time.Time) (where string) {
	for _, bound := range []struct {
		at      time.Time
		compare string
	}{{from, "greatest(%s) >= %s"}, {until, "least(%s) < %s"}} {
		if aBound(bound.at) {
			where += " AND " + fmt.Sprintf(bound.compare, strings.Join(reachedColumns(), ", "), quote(bound.at.UTC().Format(ledger.RecordedFormat)))
		}
	}
	return where
}

// reachOfHolidays is the span in which a period begins whose days may be counted
// anew when a year's holidays are published: until the last of those days, and
// from so long before the first that any working days are over by then.
func reachOfHolidays(year int, regimes []ledger.Regime, published []any) (from, until time.Time) {
	first, last := ledger.Date(fmt.Sprintf("%04d-01-01", year)), ledger.Date(fmt.Sprintf("%04d-12-31", year))
	off := 0 // at most so many days are off besides weekends
	for _, p := range published {
		h, ok := p.(*ledger.Holidays)
		if !ok {
			continue
		}
		off += len(h.Days)
		for _, d := range h.Days {
			if h.Year == year && d.Valid() {
				first, last = min(first, d), max(last, d)
			}
		}
	}
	longest := 0
	for _, g := range regimes {
		for _, d := range g.Deadlines {
			for _, l := range []*ledger.Length{d.Length, d.AtMost, d.InForce} {
				if l != nil && l.Working {
					longest = max(longest, l.Days)
				}
			}
		}
	}
	return first.Start().AddDate(0, 0, -((longest+off)/5+1)*7), last.End()
}

// rulingRows is how many rows a ruling is worked out for at a time.
const rulingRows = 4096

// rule writes what a ruling makes of the rows that no record has replaced, of
// whatever time that it reaches: what was owed then may be asked for as well.
func (w *writer) rule(ctx context.Context, tx pgx.Tx, c *ruling) error {
	if c == nil {
		return nil
	}
	// The cursor sees the table as it is now and reads all of it.
	if _, err := tx.Exec(ctx, fmt.Sprintf(`
		SET LOCAL enable_seqscan = on;
		DECLARE standing NO SCROLL CURSOR FOR SELECT %s, happened_from FROM %s.respondent_history
			WHERE recorded_to = 9223372036854775807 AND duplicate_of IS NULL%s;
		SET LOCAL enable_seqscan = off`, rowColumns(), w.schema, c.where)); err != nil {
		return fmt.Errorf("read what new rules apply to: %w", err)
	}
	for {
		var owed batch
		n := 0
		// Described each time: another cursor may have had the name.
		rows, err := tx.Query(ctx, fmt.Sprintf("FETCH %d FROM standing", rulingRows), pgx.QueryExecModeDescribeExec)
		if err == nil {
			var from time.Time
			err = scanRows(rows, func(id uuid.UUID, row *ledger.Row) {
				n++
				row.From = from.UTC()
				owed.rule(id, row, c)
			}, &from)
		}
		if err != nil {
			return fmt.Errorf("read what new rules apply to: %w", err)
		}
		if err := owed.writeOwed(ctx, tx, w.schema); err != nil {
			return err
		}
		if n < rulingRows {
			break
		}
	}
	if _, err := tx.Exec(ctx, "CLOSE standing"); err != nil {
		return fmt.Errorf("read what new rules apply to: %w", err)
	}
	return nil
}

// rule puts into the batch what a ruling changes for a row of the table.
func (b *batch) rule(id uuid.UUID, row *ledger.Row, c *ruling) {
	before, after := owedBy(id, row, c.before), owedBy(id, row, c.after)
	if sameOwed(before, after) {
		return
	}
	if demand(c.before) { // what stands there may be of still earlier rules
		b.disowned = append(b.disowned, replaced{id, row.Respondent, row.From, c.at})
	}
	b.owe(after, c.at)
}

// writeOwed writes the batch's part of the table.
func (b *batch) writeOwed(ctx context.Context, tx pgx.Tx, schema schemaName) error {
	if err := endOwed(ctx, tx, schema, b.disowned); err != nil {
		return err
	}
	return copyRows(ctx, tx.Conn().PgConn(), schema, obligationTable, obligationColumns, b.owed)
}
