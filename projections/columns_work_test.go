package projections

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/internal/testkit"
)

// TestColumnsOweWhatTheLedgerSays: work lists and backlogs from columns are what
// ledger.Obligations says, for random histories and rules published at any time.
func TestColumnsOweWhatTheLedgerSays(t *testing.T) {
	url := testkit.DB(t)
	conn := connectTo(t, url)
	reader := openColumnReader(t, url, 9, 4)
	reader.columns.few = 3
	rapid.Check(t, func(t *rapid.T) {
		b := drawBook(t)
		publish(t, b)
		dropTables(t, conn)
		applyInParts(t, url, b)
		awaitColumns(t, reader)
		checkWorkList(t, reader, b)
		checkBacklog(t, reader, b)
		if _, s, err := reader.stand(t.Context()); err != nil || s == nil {
			t.Fatalf("columns did not answer: %v", err)
		}
	})
}
