package projections

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Model respondent_history: what ledger.History says of every case, as of every
// position.

const historyTable = "respondent_history"

// historyColumns are the table's columns in the order in which rows are
// encoded: what a position changes first, then what a ledger.Row holds.
var historyColumns = slices.Concat([]string{
	"recorded_from", "recorded_to", "case_id", "respondent", "happened_from", "happened_to",
	"stage", "control", "holder", "seen_by", "origin", "contest", "forwarded_to", "family", "sanction",
	"office", "ppk_kind", "ppk", "recommendation", "province_of_act", "province", "institution",
	"institution_kind", "class", "items",
}, measureColumns(), []string{"remedy", "criminal", "duplicate_of"}, reachedColumns(), nextColumns)

// measureColumns names a column for each measure, then one for each measure
// that a case has when all its respondents have it.
func measureColumns() []string {
	var own, all []string
	for _, m := range ledger.MeasureTable {
		own = append(own, m.Name)
		if m.All {
			all = append(all, caseColumn(m.Measure))
		}
	}
	return append(own, all...)
}

// caseColumn is the column that dates a measure of the whole case.
func caseColumn(m ledger.Measure) string { return "case_" + m.String() }

// putRow encodes a row from its case on.
func putRow(b []byte, id uuid.UUID, r *ledger.Row) []byte {
	b = putUUID(b, id)
	b = putText(b, r.Respondent)
	b = putTime(b, r.From)
	b = putTimeOrInfinity(b, r.To)
	b = putText(b, string(r.Stage))
	b = putText(b, string(r.Control))
	b = putTextOrNull(b, string(r.Holder))
	b = putTexts(b, r.SeenBy)
	b = putTextOrNull(b, r.Origin)
	b = putTextOrNull(b, r.Contest)
	b = putTexts(b, r.ForwardedTo)
	for _, s := range [...]string{
		r.Family, r.Sanction, r.Office, r.PPKKind, r.PPK, r.Recommendation, r.ProvinceOfAct,
		r.Province, r.Institution, r.InstitutionKind, r.Class,
	} {
		b = putTextOrNull(b, s)
	}
	b = putTexts(b, r.Items)
	for m := range r.Began {
		b = putTimeOrNull(b, r.Began[m])
	}
	for _, m := range ledger.MeasureTable {
		if m.All {
			b = putTimeOrNull(b, r.BeganAll[m.Measure])
		}
	}
	b = putText(b, r.Remedy)
	b = putText(b, string(r.Criminal))
	b = putTextOrNull(b, r.DuplicateOf)
	return putNext(putReached(b, r.Reached), r)
}

// mark is a row of a case that no later record has replaced. What it says is not
// kept: it can be folded again.
type mark struct {
	respondent string
	from       time.Time
	// end is where recorded_to stands in the tuples of batch, as long as that
	// batch is not handed on; afterwards the row is in the table.
	batch uint64
	end   int
	owed  owedMark
}

// foldedRow is a row as it is encoded from its case on, with its obligations.
type foldedRow struct {
	respondent string
	from, to   time.Time // zero: it lasts
	encoded    []byte
	owed       [][]byte
}

func orderRows(respondent, other string, from, to time.Time) int {
	return cmp.Or(cmp.Compare(respondent, other), from.Compare(to))
}

// replaced names a row of the table that a record replaced: it is the one of
// its respondent that begins at happened and that nothing has replaced yet.
type replaced struct {
	id         uuid.UUID
	respondent string
	happened   time.Time
	by         ledger.Position
}

// rows are a case's rows that no record has replaced: of states that have ended,
// and of each respondent's present one.
type rows struct {
	track          ledger.Track
	ended, lasting []mark
}

// foldRows folds a case's ordered events from the start, corrections heeded, into
// rows, ordered by respondent and beginning, with what is owed under rules.
func foldRows(id uuid.UUID, events []ledger.CaseEvent, rules ledger.Rules) (ledger.Track, []foldedRow) {
	var track ledger.Track
	var out []foldedRow
	lasting := make(map[string]foldedRow)
	encode := func(r *ledger.Row) foldedRow {
		return foldedRow{r.Respondent, r.From, r.To, putRow(nil, id, r), owedBy(id, r, rules)}
	}
	for _, e := range ledger.Effective(events) {
		begun, ended := track.Add(e)
		for i := range ended {
			out = append(out, encode(&ended[i]))
		}
		for _, r := range begun {
			lasting[r.Respondent] = encode(r)
		}
	}
	for _, r := range lasting {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b foldedRow) int { return orderRows(a.respondent, b.respondent, a.from, b.from) })
	return track, out
}

// standingRows are the rows of a case as the tables have them.
func standingRows(id uuid.UUID, events []ledger.CaseEvent) (r rows) {
	var list []foldedRow
	r.track, list = foldRows(id, events, ledger.Rules{}) // what is owed stands in the tables
	for _, f := range list {
		r.keep(f.to.IsZero(), mark{respondent: f.respondent, from: f.from})
	}
	return r
}

func (r *rows) keep(lasting bool, m mark) {
	if lasting {
		r.lasting = append(r.lasting, m)
	} else {
		r.ended = append(r.ended, m)
	}
}

// extend adds the event that comes last in its case's order and corrects nothing:
// it can only change what lasted until then.
func (r *rows) extend(b *batch, id uuid.UUID, e ledger.CaseEvent) {
	begun, ended := r.track.Add(e)
	for i := range ended {
		b.scratch = putRow(b.scratch[:0], id, &ended[i])
		m := b.insert(ended[i].Respondent, ended[i].From, b.scratch, e.Position)
		// But for its end it is the row that lasted, and owes the same.
		m.owed = r.lasting[r.lastingOf(m.respondent)].owed
		r.ended = append(r.ended, m)
	}
	for _, row := range begun {
		i := r.lastingOf(row.Respondent)
		if i < 0 {
			i = len(r.lasting)
			r.lasting = append(r.lasting, mark{})
		} else {
			b.replace(id, r.lasting[i], e.Position)
			if r.lasting[i].from.Equal(row.From) { // it had no duration: nothing is left of it
				b.disown(id, r.lasting[i], e.Position)
			}
		}
		b.scratch = putRow(b.scratch[:0], id, row)
		r.lasting[i] = b.insert(row.Respondent, row.From, b.scratch, e.Position)
		r.lasting[i].owed = b.owe(owedBy(id, row, b.rules), e.Position)
	}
}

func (r *rows) lastingOf(respondent string) int {
	return slices.IndexFunc(r.lasting, func(m mark) bool { return m.respondent == respondent })
}

// revise compares the rows of a case before and after an event that does not
// come last in its order, or that corrects another: only rows that changed are replaced, and only new ones
// written.
func (r *rows) revise(b *batch, id uuid.UUID, before, after []ledger.CaseEvent, p ledger.Position) {
	marks := slices.Concat(r.ended, r.lasting)
	slices.SortFunc(marks, func(a, b mark) int { return orderRows(a.respondent, b.respondent, a.from, b.from) })
	_, old := foldRows(id, before, b.rules) // one for each mark, in the same order
	track, now := foldRows(id, after, b.rules)
	revised := rows{track: track}
	i := 0
	for _, row := range now {
		order := -1
		for ; i < len(old); i++ {
			if order = orderRows(old[i].respondent, row.respondent, old[i].from, row.from); order >= 0 {
				break
			}
			b.remove(id, marks[i], p)
		}
		if i >= len(old) || order != 0 {
			m := b.insert(row.respondent, row.from, row.encoded, p)
			m.owed = b.owe(row.owed, p)
			revised.keep(row.to.IsZero(), m)
			continue
		}
		revised.keep(row.to.IsZero(), b.exchange(id, marks[i], old[i], row, p))
		i++
	}
	for ; i < len(old); i++ {
		b.remove(id, marks[i], p)
	}
	*r = revised
}

// remove ends a row at p with what is owed in it.
func (b *batch) remove(id uuid.UUID, m mark, p ledger.Position) {
	b.replace(id, m, p)
	b.disown(id, m, p)
}

// exchange puts a row in the place of one of the same respondent and beginning,
// as far as they differ. A row that ends no later than the other owes the same if
// it says the same; what is owed in another is not in the tables, for rules leave
// out what a state that ended did not live to see.
func (b *batch) exchange(id uuid.UUID, m mark, old, row foldedRow, p ledger.Position) mark {
	if bytes.Equal(old.encoded, row.encoded) {
		return m
	}
	b.replace(id, m, p)
	fresh := b.insert(row.respondent, row.from, row.encoded, p)
	later := !old.to.IsZero() && (row.to.IsZero() || row.to.After(old.to))
	if fresh.owed = m.owed; !later && sameOwed(old.owed, row.owed) {
		return fresh
	}
	b.disown(id, m, p)
	fresh.owed = b.owe(row.owed, p)
	return fresh
}

// insert writes a row that holds from p on.
func (b *batch) insert(respondent string, from time.Time, encoded []byte, p ledger.Position) mark {
	b.history = putTuple(b.history, len(historyColumns))
	b.history = putInt8(b.history, int64(p))
	b.history = putInt8(b.history, forever)
	end := len(b.history) - 8
	b.history = append(b.history, encoded...)
	b.inserted++
	return mark{respondent: respondent, from: from, batch: b.number, end: end}
}

// replace ends a row at p. A row of this very batch is then written with both
// ends.
func (b *batch) replace(id uuid.UUID, m mark, p ledger.Position) {
	if m.batch == b.number {
		binary.BigEndian.PutUint64(b.history[m.end:], uint64(p))
		return
	}
	b.replaced = append(b.replaced, replaced{id, m.respondent, m.from, p})
}

// splitReplaced gives a list as columns.
func splitReplaced(list []replaced) (ids []uuid.UUID, respondents []string, happened []time.Time, by []int64) {
	for _, r := range list {
		ids, respondents = append(ids, r.id), append(respondents, r.respondent)
		happened, by = append(happened, r.happened), append(by, int64(r.by))
	}
	return ids, respondents, happened, by
}

// endReplaced ends rows of the table. Each must be there: a row that is missing
// means that the tables are not what was written. The lateral subquery leaves the
// planner one way, by the index; on a young table it would try all pairs.
func endReplaced(ctx context.Context, tx pgx.Tx, schema schemaName, list []replaced) error {
	if len(list) == 0 {
		return nil
	}
	ids, respondents, happened, by := splitReplaced(list)
	tag, err := tx.Exec(ctx, fmt.Sprintf(`
		UPDATE %[1]s.respondent_history h SET recorded_to = c.by
		FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[]) AS c (case_id, respondent, happened, by)
		CROSS JOIN LATERAL (
			SELECT ctid FROM %[1]s.respondent_history
			WHERE case_id = c.case_id AND respondent = c.respondent AND happened_from = c.happened
			  AND recorded_to = 9223372036854775807
			LIMIT 1) old
		WHERE h.ctid = old.ctid`, schema), ids, respondents, happened, by)
	if err != nil {
		return fmt.Errorf("end replaced rows: %w", err)
	}
	if n := tag.RowsAffected(); n != int64(len(list)) {
		return fmt.Errorf("%d of %d rows to end stand in %s: somebody else changed the tables; run berkas rebuild",
			n, len(list), historyTable)
	}
	return nil
}
