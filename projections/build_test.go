package projections

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// draws is how many random histories a property is tried with: each takes tables of
// its own, and every run draws others. -args -rapid.checks=1000 tries more.
const draws = "25"

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", draws); err != nil { // before the command line is read
		panic(err)
	}
	testkit.Main(m)
}

const origin = "berkas.example/test"

// writerKey signs what tests record. Projections do not verify signatures, so a
// key made of zeros does.
var writerKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

// book is a ledger in memory.
type book struct {
	records []ledger.Record
	// recorded is when the next record is recorded.
	recorded time.Time
	events   int

	mu   sync.Mutex
	kept map[ledger.Position]*fold // until a record is added
}

// fold is what the ledger's own fold says of everything known at a position.
type fold struct {
	history map[string][]ledger.CaseEvent
	rows    []ledger.Row
}

func newBook(recorded time.Time) *book { return &book{recorded: recorded} }

// testUUID numbers ids of version 7.
func testUUID(group, n int) string {
	return uuid.UUID{1, 0x93, byte(group >> 8), byte(group), 0, 0, 0x70, 0, 0x80, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}.String()
}

func caseNumber(n int) string { return testUUID(1, n) }

// add records an event; payload is its data. version 0 means 1.
func (b *book) add(kind ledger.Kind, version int, source ledger.AgencyID, subject string, at time.Time, payload any) ledger.Record {
	r := b.draft(kind, version, source, subject, at, payload)
	b.events++
	r.Signatures = []ledger.Signature{ledger.Sign(ledger.KeyID(string(source)+"/2020a"), writerKey, r.Body)}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records, b.kept = append(b.records, r), nil
	return r
}

// draft is the record that add would add, without a signature.
func (b *book) draft(kind ledger.Kind, version int, source ledger.AgencyID, subject string, at time.Time, payload any) ledger.Record {
	data, err := json.Marshal(payload)
	if err != nil {
		panic(err)
	}
	from := "/agencies/" + string(source)
	if source == ledger.Registrar {
		from = "/registrar"
	}
	version = max(version, 1)
	body, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": testUUID(2, b.events+1), "source": from,
		"type": fmt.Sprintf("id.berkas.%s.v%d", kind, version), "subject": subject,
		"time": at.UTC().Format(time.RFC3339Nano), "dataschema": fmt.Sprintf("urn:berkas:schema:%s.v%d", kind, version),
		"datacontenttype": "application/json", "ledger": origin, "data": json.RawMessage(data),
	})
	if err != nil {
		panic(err)
	}
	info, known := ledger.LookupKind(kind, version)
	on := ledger.SubjectCase(subject)
	if known {
		on = ledger.SubjectOf(ledger.Event{Source: source, Subject: subject}, info)
	}
	return ledger.Record{Position: ledger.Position(len(b.records) + 1), Recorded: b.recorded.UTC(), Subject: on, Body: body}
}

func (b *book) genesis(lateAfterDays int) {
	b.add(ledger.GenesisKind, 1, ledger.Registrar, "genesis", b.recorded, ledger.Genesis{
		Origin: origin, LateAfterDays: lateAfterDays, Institutions: []ledger.GenesisInstitution{}, Mandates: []ledger.Grant{},
	})
}

// feed yields the book's records in pieces of at most size, then ends.
func (b *book) feed(size int) ledger.Feed { return sliceFeed(b.records, size) }

func sliceFeed(records []ledger.Record, size int) ledger.Feed {
	return func(ctx context.Context, after ledger.Position, yield func([]ledger.Record) error) error {
		for at := int(after); at < len(records) && ctx.Err() == nil; at += size {
			if err := yield(records[at:min(at+size, len(records))]); err != nil {
				return err
			}
		}
		return nil
	}
}

// history orders the events of each case as far as they are known at a position.
func (b *book) history(known ledger.Position) map[string][]ledger.CaseEvent {
	return b.known(known).history
}

// rows is what ledger.History says of everything known at a position.
func (b *book) rows(known ledger.Position) []ledger.Row { return b.known(known).rows }

// known folds a book; whoever asks again gets the same, which nobody may change.
func (b *book) known(known ledger.Position) *fold {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.kept[known]; f != nil {
		return f
	}
	f := &fold{history: make(map[string][]ledger.CaseEvent)}
	for _, r := range b.records {
		id := r.CaseID()
		if id == "" || r.Position > known {
			continue
		}
		e, err := ledger.DecodeRecord(r)
		if err != nil {
			panic(err)
		}
		f.history[id] = ledger.Insert(f.history[id], ledger.CaseEvent{Position: r.Position, Recorded: r.Recorded, Event: e})
	}
	for _, events := range f.history {
		f.rows = append(f.rows, ledger.History(events)...)
	}
	if b.kept == nil {
		b.kept = make(map[ledger.Position]*fold)
	}
	b.kept[known] = f
	return f
}

// project runs a projector over the whole book.
func project(t testing.TB, url string, feed ledger.Feed) {
	t.Helper()
	if err := NewProjector(Config{URL: url}).Run(t.Context(), feed); err != nil {
		t.Fatal(err)
	}
}

func openReader(t testing.TB, url string) *Reader {
	t.Helper()
	r, err := OpenReader(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}
