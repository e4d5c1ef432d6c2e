package projections

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
)

// Rows are written with COPY in its binary format, encoded here: it takes a
// fraction of the time that a generic encoder needs, and an encoded row is also
// what two states of a respondent are compared by.
// Source: PostgreSQL documentation, COPY, "Binary Format"; the send functions
// of the types.

var (
	copyHeader  = []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	copyTrailer = []byte{0xff, 0xff}
)

// forever is recorded_to of a row that no later record replaced.
const forever = math.MaxInt64

// infinity is how a timestamptz without end is sent.
const infinity = math.MaxInt64

const oidText = 25

// epoch is PostgreSQL's.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

func putTuple(b []byte, columns int) []byte {
	return binary.BigEndian.AppendUint16(b, uint16(columns))
}

func putNull(b []byte) []byte { return append(b, 0xff, 0xff, 0xff, 0xff) }

func putInt8(b []byte, v int64) []byte {
	return binary.BigEndian.AppendUint64(append(b, 0, 0, 0, 8), uint64(v))
}

func putInt4(b []byte, v int32) []byte {
	return binary.BigEndian.AppendUint32(append(b, 0, 0, 0, 4), uint32(v))
}

func putInt2(b []byte, v int16) []byte {
	return binary.BigEndian.AppendUint16(append(b, 0, 0, 0, 2), uint16(v))
}

// putNumeric writes a whole number as numeric: digits of base 10,000.
func putNumeric(b []byte, v uint64) []byte {
	var digits []uint16
	for ; v > 0; v /= 10000 {
		digits = append(digits, uint16(v%10000))
	}
	b = binary.BigEndian.AppendUint32(b, uint32(8+2*len(digits)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(digits)))
	b = binary.BigEndian.AppendUint16(b, uint16(max(len(digits)-1, 0))) // weight of the first digit
	b = append(b, 0, 0, 0, 0)                                           // positive, no decimals
	for i := len(digits) - 1; i >= 0; i-- {
		b = binary.BigEndian.AppendUint16(b, digits[i])
	}
	return b
}

func putBool(b []byte, v bool) []byte {
	if v {
		return append(b, 0, 0, 0, 1, 1)
	}
	return append(b, 0, 0, 0, 1, 0)
}

// putTime writes a time; it keeps microseconds.
func putTime(b []byte, t time.Time) []byte { return putInt8(b, t.UnixMicro()-epoch) }

// putTimeOrNull writes NULL for the zero time.
func putTimeOrNull(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return putNull(b)
	}
	return putTime(b, t)
}

// putTimeOrInfinity writes infinity for the zero time.
func putTimeOrInfinity(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return putInt8(b, infinity)
	}
	return putTime(b, t)
}

// putText writes a string. A NUL, which JSON can hold and PostgreSQL cannot,
// becomes the replacement character.
func putText(b []byte, s string) []byte {
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

// putTextOrNull writes NULL for the empty string.
func putTextOrNull(b []byte, s string) []byte {
	if s == "" {
		return putNull(b)
	}
	return putText(b, s)
}

func putBytes(b, v []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
	return append(b, v...)
}

func putUUID(b []byte, id uuid.UUID) []byte { return putBytes(b, id[:]) }

func putTexts[S ~string](b []byte, list []S) []byte {
	at := len(b)
	b = append(b, 0, 0, 0, 0) // length, known at the end
	if len(list) == 0 {
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, oidText) // no dimensions
	} else {
		b = append(b, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, oidText)
		b = binary.BigEndian.AppendUint32(b, uint32(len(list)))
		b = append(b, 0, 0, 0, 1) // lower bound
		for _, s := range list {
			b = putText(b, string(s))
		}
	}
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4))
	return b
}

// copyRows copies encoded tuples into a table of a schema.
func copyRows(ctx context.Context, conn *pgconn.PgConn, schema schemaName, table string, columns []string, tuples []byte) error {
	if len(tuples) == 0 {
		return nil
	}
	stream := &copyStream{parts: [][]byte{copyHeader, tuples, copyTrailer}}
	sql := fmt.Sprintf("COPY %s.%s (%s) FROM STDIN (FORMAT binary)", schema, table, strings.Join(columns, ", "))
	if _, err := conn.CopyFrom(ctx, stream, sql); err != nil {
		return fmt.Errorf("copy into %s: %w", table, err)
	}
	return nil
}

// copyStream reads parts one after the other.
type copyStream struct {
	parts [][]byte
	at    bytes.Reader
}

func (s *copyStream) Read(p []byte) (int, error) {
	for s.at.Len() == 0 && len(s.parts) > 0 {
		s.at.Reset(s.parts[0])
		s.parts = s.parts[1:]
	}
	return s.at.Read(p)
}
