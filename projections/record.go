package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/berkas-ledger/berkas/ledger"
)

// Model record: every record with both its times, the timeline of cases, and
// what cases are folded from again when they are not in memory.

const recordTable = "record"

var recordColumns = []string{
	"position", "recorded", "happened", "event_id", "case_id", "version", "known", "late",
	"subject", "agency", "kind", "keys", "leaf", "data",
}

// Entry is a record as the timeline shows it.
type Entry struct {
	Position ledger.Position
	Recorded time.Time
	Happened time.Time
	Case     string // "" for a record that belongs to no case
	Subject  string // what it is about, where that is not a case
	Agency   ledger.AgencyID
	Kind     ledger.Kind
	Version  int
	Known    bool // the projector knew the kind
	Event    string
	Keys     []ledger.KeyID
	Leaf     ledger.Hash
	// Late: recorded longer after it happened than the genesis allows without a
	// mandate for late recording.
	Late bool
	Data []byte // the event's data member, JSON
}

func putRecord(b []byte, d *decoded, leaf ledger.Hash, late bool) []byte {
	r, e := &d.record, &d.event
	b = putTuple(b, len(recordColumns))
	b = putInt8(b, int64(r.Position))
	b = putTime(b, r.Recorded)
	b = putTime(b, e.Time)
	b = putUUID(b, d.eventID)
	if d.caseID == uuid.Nil {
		b = putNull(b)
	} else {
		b = putUUID(b, d.caseID)
	}
	b = putInt2(b, int16(e.Version))
	b = putBool(b, e.Payload != nil)
	b = putBool(b, late)
	if d.caseID == uuid.Nil {
		b = putText(b, e.Subject)
	} else {
		b = putNull(b)
	}
	b = putText(b, string(e.Source))
	b = putText(b, string(e.Kind))
	keys := make([]ledger.KeyID, len(r.Signatures))
	for i, s := range r.Signatures {
		keys[i] = s.Key
	}
	b = putTexts(b, keys)
	b = putBytes(b, leaf[:])
	return putBytes(b, e.Data)
}

// loadCases reads the events of cases up to a position, in the order in which
// cases are folded.
func loadCases(ctx context.Context, conn *pgx.Conn, schema schemaName, ids []uuid.UUID, upTo ledger.Position) (map[uuid.UUID][]ledger.CaseEvent, error) {
	rows, err := conn.Query(ctx, fmt.Sprintf(`
		SELECT case_id, position, recorded, happened, event_id, agency, kind, version, known, data
		FROM %s.record WHERE case_id = ANY ($1) AND position <= $2
		ORDER BY case_id, happened, position`, schema), ids, int64(upTo))
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	out := make(map[uuid.UUID][]ledger.CaseEvent, len(ids))
	for rows.Next() {
		var id, event uuid.UUID
		var ce ledger.CaseEvent
		var known bool
		var data []byte
		if err := rows.Scan(&id, &ce.Position, &ce.Recorded, &ce.Time, &event, &ce.Source, &ce.Kind, &ce.Version, &known, &data); err != nil {
			rows.Close()
			return nil, fmt.Errorf("read cases: %w", err)
		}
		ce.ID, ce.Subject, ce.Time, ce.Recorded = event.String(), id.String(), ce.Time.UTC(), ce.Recorded.UTC()
		if known {
			if ce.Payload, err = ledger.DecodePayload(ce.Kind, ce.Version, data); err != nil {
				rows.Close()
				return nil, fmt.Errorf("record %d as it stands in PostgreSQL: %w; run berkas rebuild", ce.Position, err)
			}
		}
		out[id] = append(out[id], ce)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	return out, nil
}

// Timeline lists the records of a case in the order in which they happened, as
// known at a position (0: now). ErrNotFound when there is none.
func (r *Reader) Timeline(ctx context.Context, caseID string, known ledger.Position) ([]Entry, error) {
	id, err := uuid.Parse(caseID)
	if err != nil {
		return nil, ErrNotFound // no case can have that id
	}
	p, err := r.Progress(ctx)
	switch {
	case err != nil:
		return nil, err
	case known > p.Position:
		return nil, &ErrNotSettled{"known-at", p.Position, p.Recorded}
	case known == 0:
		known = p.Position
	}
	rows, err := r.pool.Query(ctx, `
		SELECT position, recorded, happened, event_id, case_id, version, known, late,
			coalesce(subject, ''), agency, kind, keys, leaf, data
		FROM projection.record WHERE case_id = $1 AND position <= $2
		ORDER BY happened, position`, id, int64(known))
	if err != nil {
		return nil, asking("a timeline", err)
	}
	list, err := pgx.CollectRows(rows, scanEntry)
	if err != nil {
		return nil, asking("a timeline", err)
	}
	if len(list) == 0 {
		return nil, ErrNotFound
	}
	return list, nil
}

func scanEntry(row pgx.CollectableRow) (Entry, error) {
	var e Entry
	var event uuid.UUID
	var caseID *uuid.UUID
	var leaf []byte
	err := row.Scan(&e.Position, &e.Recorded, &e.Happened, &event, &caseID, &e.Version, &e.Known, &e.Late,
		&e.Subject, &e.Agency, &e.Kind, &e.Keys, &leaf, &e.Data)
	if err != nil {
		return e, err
	}
	e.Event, e.Recorded, e.Happened = event.String(), e.Recorded.UTC(), e.Happened.UTC()
	copy(e.Leaf[:], leaf)
	if caseID != nil {
		e.Case = caseID.String()
	}
	return e, nil
}

// KindCount is how many records of a kind there are.
type KindCount struct {
	Kind    ledger.Kind
	Version int
	Known   bool
	Records uint64
}

// Kinds counts the applied records by kind, unknown ones too.
func (r *Reader) Kinds(ctx context.Context) ([]KindCount, error) {
	rows, err := r.pool.Query(ctx, `
		SELECT kind, version, known, count(*) FROM projection.record
		GROUP BY kind, version, known ORDER BY kind COLLATE "C", version, known`)
	if err != nil {
		return nil, asking("kinds", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[KindCount])
	if err != nil {
		return nil, asking("kinds", err)
	}
	return list, nil
}
