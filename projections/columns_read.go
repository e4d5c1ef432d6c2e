package projections

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Rows of respondent_history come as PostgreSQL sends them, in its binary
// format; decoding them one by one into Go values would take three times as
// long. Source: the send functions of the types; see copy.go.

// Where columns stand in what is read: first those of a row's place, then
// duplicate_of, words, sets, and times.
const (
	readCase = iota
	readRespondent
	readFrom
	readTo
	readRecordedFrom
	readRecordedTo
	readDuplicate
	readWords
)

var (
	readSets  = readWords + len(wordColumns)
	readTimes = readSets + setCount
	// timeColumns are in the order of a shape's bits: measures, then milestones.
	timeColumns = append(measureColumns(), reachedColumns()...)
	beganBits   = len(measureColumns())
)

// readColumns is the list that rowReader reads.
func readColumns() string {
	list := []string{"case_id", "respondent", "happened_from", "happened_to", "recorded_from", "recorded_to", "duplicate_of IS NOT NULL"}
	for _, w := range wordColumns {
		list = append(list, w.column)
	}
	for _, s := range setColumns {
		list = append(list, s.column)
	}
	return strings.Join(append(list, timeColumns...), ", ")
}

// rowReader puts rows, which come by case and respondent, into blocks.
type rowReader struct {
	words  *vocabulary
	block  blockBuilder
	blocks []*block // that are full, as they are from a number of rows on
	full   int

	id         uuid.UUID // of the case being read
	respondent []byte
	rows       int // read so far, of the case too
	// What the row before said, and its numbers: most rows repeat most of it.
	sent   [][]byte // from readDuplicate to readTimes
	shape  shape
	nature nature
	letter letter
	number struct {
		shape uint32
		about about
	}
}

// read puts in the rows of a question and counts them.
func (r *rowReader) read(ctx context.Context, db querier, where string, args ...any) (int, error) {
	rows, err := db.Query(ctx, "SELECT "+readColumns()+" FROM projection.respondent_history WHERE "+where,
		slices.Concat([]any{pgx.QueryResultFormats{pgx.BinaryFormatCode}}, args)...)
	if err != nil {
		return 0, asking("rows", err)
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		if n == 0 {
			if err := binaryOnly(rows.FieldDescriptions()); err != nil {
				return 0, err
			}
		}
		n++
		if err := r.row(rows.RawValues()); err != nil {
			return n, err
		}
	}
	if err := rows.Err(); err != nil {
		return n, asking("rows", err)
	}
	return n, nil
}

// binaryOnly refuses text, as a connection without prepared statements sends it.
func binaryOnly(fields []pgconn.FieldDescription) error {
	for _, f := range fields {
		if f.Format != pgx.BinaryFormatCode {
			return fmt.Errorf("column %s came as text", f.Name)
		}
	}
	return nil
}

// row puts in one row.
func (r *rowReader) row(sent [][]byte) error {
	if len(sent) != readTimes+len(timeColumns) || len(sent[readCase]) != 16 {
		return fmt.Errorf("a row of %d columns", len(sent))
	}
	id := uuid.UUID(sent[readCase])
	if len(r.block.b.ids) == 0 || id != r.id {
		if r.block.size() >= r.full {
			r.finish()
		}
		r.id = id
		r.block.begin(id)
		r.respondent = r.respondent[:0]
	}
	if len(r.respondent) == 0 || !bytes.Equal(r.respondent, sent[readRespondent]) {
		r.respondent = append(r.respondent[:0], sent[readRespondent]...)
		r.block.respondent(r.words.word(attrRespondent, sent[readRespondent]))
	}
	row := r.block.grow()
	var err error
	at := func(column int) int64 {
		if len(sent[column]) != 8 {
			err = fmt.Errorf("column %d has %d bytes", column, len(sent[column]))
			return 0
		}
		return int64(binary.BigEndian.Uint64(sent[column]))
	}
	row.from, row.to = at(readFrom), at(readTo)
	row.recordedFrom, row.recordedTo = at(readRecordedFrom), at(readRecordedTo)
	if row.recordedFrom > math.MaxUint32 {
		return fmt.Errorf("position %d is beyond what columns hold", row.recordedFrom)
	}
	row.times = row.times[:0]
	var began uint64
	for i := range timeColumns {
		if sent[readTimes+i] != nil {
			began |= 1 << i
			row.times = append(row.times, at(readTimes+i))
		}
	}
	if err != nil {
		return err
	}
	r.rows++
	return r.says(row, sent, uint32(began&(1<<beganBits-1)), uint32(began>>beganBits))
}

// says numbers what a row says.
func (r *rowReader) says(row *stateRow, sent [][]byte, began, reached uint32) error {
	first := r.sent == nil
	changed := first || began != r.shape.began || reached != r.shape.reached
	if first {
		r.sent = make([][]byte, readTimes)
	}
	s, n := &r.shape, &r.nature
	into := [...]*uint32{
		&s.stage, &s.holder, &s.family, &s.sanction, &s.ppkKind, &n.origin, &n.contest, &n.office, &n.provinceOfAct,
		&n.province, &n.institution, &n.institutionKind, &n.class, &r.letter.recommendation, &r.letter.ppk,
	}
	for i := readDuplicate; i < readTimes; i++ {
		if !first && bytes.Equal(r.sent[i], sent[i]) {
			continue
		}
		changed = true
		r.sent[i] = append(r.sent[i][:0], sent[i]...)
		switch {
		case i == readDuplicate:
			s.duplicate = len(sent[i]) == 1 && sent[i][0] == 1
		case i < readSets:
			*into[i-readWords] = r.words.word(wordColumns[i-readWords].attribute, sent[i])
		default:
			set, err := r.words.set(i-readSets, sent[i])
			if err != nil {
				return err
			}
			*[...]*uint32{&s.seenBy, &s.forwardedTo, &r.number.about.items}[i-readSets] = set
		}
	}
	if changed {
		s.began, s.reached = began, reached
		r.number.shape = r.words.shapes.number(*s)
		r.number.about.nature, r.number.about.letter = r.words.natures.number(*n), r.words.letters.number(r.letter)
	}
	row.shape, row.about = r.number.shape, r.number.about
	return nil
}

// finish closes the block.
func (r *rowReader) finish() {
	if b := r.block.finish(); b != nil {
		r.blocks = append(r.blocks, b)
	}
}

// dropLast takes the last case out again and names the one before it, the zero
// id if there is none in the open block.
func (r *rowReader) dropLast() (last uuid.UUID) {
	b := r.block.finish()
	for c := range b.ids[:len(b.ids)-1] {
		r.block.copyCase(b, c)
		last = b.ids[c]
	}
	if n := len(r.blocks); last == uuid.Nil && n > 0 {
		ids := r.blocks[n-1].ids
		last = ids[len(ids)-1]
	}
	r.id = uuid.Nil
	return last
}

// columnTime is a moment as columns have it. Parts of microseconds do not count,
// for rows have none.
func columnTime(t time.Time) int64 { return t.UnixMicro() - epoch }

func fromColumn(at int64) time.Time { return time.UnixMicro(at + epoch).UTC() }
