package projections

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Config says where the read models are and how much memory writing them may
// take. Only URL is required.
type Config struct {
	// URL of the database, for instance postgres://user@127.0.0.1:5432/berkas.
	URL string
	Log *slog.Logger // nil: nothing is logged
	// CacheEvents bounds the events of cases that are kept in memory, about a
	// kilobyte each; 0 means 200,000. Cases beyond it are read from PostgreSQL
	// when their next event comes.
	CacheEvents int

	batchRecords int           // records in a transaction; tests make it small. 0: batchRecords
	dropPatience time.Duration // how long readers of replaced tables are waited for; tests make it short. 0: dropPatience
}

func (c Config) logger() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

func (c Config) cacheEvents() int {
	if c.CacheEvents > 0 {
		return c.CacheEvents
	}
	return 200_000
}

// Channel is where PostgreSQL notifies of progress; the payload is the position
// in decimal.
const Channel = "berkas_progress"

// ErrNoTables says that the database has no read models yet.
var ErrNoTables = errors.New("the database has no read models; start the projector (berkas dev, berkas serve) or run berkas rebuild")

// ErrNewer says that the read models were made by a later version of this
// program.
var ErrNewer = errors.New("the read models were made by a later version of berkas; use that version, or drop the schema projection and rebuild")

// ErrRebuilding says that another process rebuilds the read models.
var ErrRebuilding = errors.New("another process rebuilds the read models; wait for it")

// ErrNotFound says that the ledger, as far as it is applied, has no such case.
var ErrNotFound = errors.New("no such case among the applied records")

// ErrNotSettled says that a question goes beyond the last applied record: the
// answer could still change. Ask for an earlier moment, or wait.
type ErrNotSettled struct {
	What     string // "as-of" or "known-at"
	Position ledger.Position
	Recorded time.Time // of the record at Position; zero when none is applied
}

func (e *ErrNotSettled) Error() string {
	if e.Position == 0 {
		return "not yet settled: no record is applied yet"
	}
	return fmt.Sprintf("not yet settled: %s lies after the last applied record, position %d recorded %s",
		e.What, e.Position, e.Recorded.UTC().Format(ledger.RecordedFormat))
}
