package projections

import (
	"bytes"
	"cmp"
	"context"
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
}, measureColumns())

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
	return b
}

// heldRow is a row of a case that no later record has replaced.
type heldRow struct {
	respondent string
	from       time.Time
	encoded    []byte
	// pending is the row's place among the rows of batch, while that batch is
	// not handed on; afterwards the row is in the table.
	batch   uint64
	pending int
}

func (h *heldRow) key(o *heldRow) int {
	return cmp.Or(cmp.Compare(h.respondent, o.respondent), h.from.Compare(o.from))
}

// newRow is a row to write. It may be replaced within its own batch, and is then
// written with both ends.
type newRow struct {
	from, to ledger.Position // to 0: not replaced
	encoded  []byte
}

// replaced names a row of the table that a record replaced: it is the one of
// its respondent that begins at happened and that nothing has replaced yet.
type replaced struct {
	id         uuid.UUID
	respondent string
	happened   time.Time
	by         ledger.Position
}

// rowsOf folds a case's ordered events into rows, ordered by respondent and
// beginning. They are encoded in scratch, which is returned for the next call.
func rowsOf(id uuid.UUID, events []ledger.CaseEvent, scratch []byte) ([]heldRow, []byte) {
	rows := ledger.History(events)
	held := make([]heldRow, len(rows))
	scratch = scratch[:0]
	for i := range rows {
		at := len(scratch)
		scratch = putRow(scratch, id, &rows[i])
		held[i] = heldRow{respondent: rows[i].Respondent, from: rows[i].From, encoded: scratch[at:len(scratch):len(scratch)]}
	}
	slices.SortFunc(held, func(a, b heldRow) int { return a.key(&b) })
	return held, scratch
}

// revise compares a case's rows with those that hold from a position on: only
// rows that changed are replaced, and only new ones written.
func (b *batch) revise(id uuid.UUID, old, now []heldRow, p ledger.Position) {
	i := 0
	for j := range now {
		for i < len(old) && old[i].key(&now[j]) < 0 {
			b.replace(id, &old[i], p)
			i++
		}
		if i < len(old) && old[i].key(&now[j]) == 0 {
			if bytes.Equal(old[i].encoded, now[j].encoded) {
				now[j] = old[i]
				i++
				continue
			}
			b.replace(id, &old[i], p)
			i++
		}
		now[j].encoded = bytes.Clone(now[j].encoded) // out of the scratch buffer
		now[j].batch, now[j].pending = b.number, len(b.rows)
		b.rows = append(b.rows, newRow{from: p, encoded: now[j].encoded})
	}
	for ; i < len(old); i++ {
		b.replace(id, &old[i], p)
	}
}

func (b *batch) replace(id uuid.UUID, row *heldRow, p ledger.Position) {
	if row.batch == b.number {
		b.rows[row.pending].to = p
		return
	}
	b.replaced = append(b.replaced, replaced{id, row.respondent, row.from, p})
}

// encodeRows makes the tuples of new rows.
func (b *batch) encodeRows() []byte {
	size := 0
	for i := range b.rows {
		size += len(b.rows[i].encoded) + 26
	}
	out := make([]byte, 0, size)
	for i := range b.rows {
		r := &b.rows[i]
		to := int64(forever)
		if r.to != 0 {
			to = int64(r.to)
		}
		out = putTuple(out, len(historyColumns))
		out = putInt8(out, int64(r.from))
		out = putInt8(out, to)
		out = append(out, r.encoded...)
	}
	return out
}

// endReplaced ends rows of the table. Each must be there: a row that is missing
// means that the tables are not what was written.
func endReplaced(ctx context.Context, tx pgx.Tx, schema schemaName, list []replaced) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(list))
	respondents := make([]string, len(list))
	happened := make([]time.Time, len(list))
	by := make([]int64, len(list))
	for i, r := range list {
		ids[i], respondents[i], happened[i], by[i] = r.id, r.respondent, r.happened, int64(r.by)
	}
	tag, err := tx.Exec(ctx, fmt.Sprintf(`
		UPDATE %s.respondent_history h SET recorded_to = c.by
		FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[]) AS c (case_id, respondent, happened, by)
		WHERE h.case_id = c.case_id AND h.respondent = c.respondent AND h.happened_from = c.happened
		  AND h.recorded_to = 9223372036854775807`, schema), ids, respondents, happened, by)
	if err != nil {
		return fmt.Errorf("end replaced rows: %w", err)
	}
	if n := tag.RowsAffected(); n != int64(len(list)) {
		return fmt.Errorf("%d of %d rows to end stand in %s: somebody else changed the tables; run berkas rebuild",
			n, len(list), historyTable)
	}
	return nil
}
