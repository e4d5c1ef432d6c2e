package verify

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/roster"
	"github.com/berkas-ledger/berkas/schemas"
)

// Config says by what an auditor judges.
type Config struct {
	Policy ledger.Policy
	// Schemas is by what data is judged; nil leaves schemas out, and the report
	// says so.
	Schemas *schemas.Validator
	// Workers is how many goroutines check signatures and schemas; 0 is one for
	// each core.
	Workers int
	// Program is the version of the program that judges. What an auditor keeps
	// from run to run is of use to the same version only: rules may have grown.
	Program string
	// Sparse lets positions jump: a bundle has the roster's records and those of
	// one case. What needs all records is left out: the Merkle root, contiguity,
	// and what records say of other cases.
	Sparse bool
	// Read gives the leaf at a position that was taken before: a record that
	// falls between others of its case, or corrects one, has the case folded
	// anew. What it gives is held against the hash of what was taken. Nil keeps
	// all leaves in memory, which is for small ledgers and bundles.
	Read func(ledger.Position) ([]byte, error)
}

// Auditor checks a ledger from its first record on. It is not safe for
// concurrent use; inside it uses all cores.
type Auditor struct {
	config Config
	findings
	stats Stats

	pending []*batch
	spare   [][]prepared    // of batches that are settled
	taken   ledger.Position // last position handed to Take

	tree     tree
	position ledger.Position // last position that is settled
	recorded time.Time       // of the record there
	roster   *roster.Roster  // nil without a genesis record to begin with
	// basis are the leaves from which the roster comes: the genesis record and
	// every change of the roster that was found right.
	basis []placed
	cases map[string]*caseState
	ids   map[eventKey]ledger.Position // of events that belong to no case
	// repeats says of how many cases each case is a duplicate; of none, it is
	// not there.
	repeats map[string]int

	told map[string][]ledger.CaseEvent // histories that were read lately
	kept map[ledger.Position][]byte    // leaves, without Config.Read
	held []Held                        // checkpoints that the log was held against
	from ledger.Position               // last position that an earlier run judged
	// last is the signed checkpoint that the last finished run judged by.
	last []byte
	lax  bool // a run left schemas out
	receipts
	tables *TableStats
}

// placed is a leaf with where it stands.
type placed struct {
	at   ledger.Position
	leaf []byte
}

// Stats counts what was judged.
type Stats struct {
	Records    uint64 `json:"records"`
	Cases      uint64 `json:"cases"`
	Events     uint64 `json:"events"` // of cases, and figures
	Roster     uint64 `json:"roster"` // genesis and changes of the roster
	Refusals   uint64 `json:"refusals"`
	Signatures uint64 `json:"signatures"`
	// Late counts records under the mandate for late recording.
	Late uint64 `json:"late"`
	// Unknown counts records of kinds that this program does not know. They are
	// hashed, and their signatures held against the roster; no more is judged.
	Unknown uint64 `json:"unknown"`
	// Unread counts entries that could not be read, so that nothing else of them
	// was judged.
	Unread uint64 `json:"unread"`
}

// New makes an auditor that has seen nothing.
func New(c Config) *Auditor {
	if c.Workers < 1 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	return &Auditor{
		config: c, cases: map[string]*caseState{}, ids: map[eventKey]ledger.Position{}, repeats: map[string]int{},
		told: map[string][]ledger.CaseEvent{}, kept: map[ledger.Position][]byte{},
	}
}

// Position is the last position that was taken.
func (a *Auditor) Position() ledger.Position { return a.taken }

// Resumed is the last position that an earlier run judged, 0 for none.
func (a *Auditor) Resumed() ledger.Position { return a.from }

// Found adds what the caller found: a checkpoint that does not open, a bundle
// that is not there.
func (a *Auditor) Found(f Finding) { a.add(f) }

// ahead is how many batches are prepared while one is settled: enough for the
// milliseconds until whoever settles gets a processor.
const ahead = 32

// batch is leaves whose signatures and schemas are being checked.
type batch struct {
	list []prepared
	done *sync.WaitGroup
}

// Take takes the leaves of the positions from first on; their bytes may not be
// changed afterwards. Unless the audit is sparse, first has to be the position
// after the last. An error is Config.Read's, or says that the caller left
// something out; the audit cannot go on.
func (a *Auditor) Take(first ledger.Position, leaves [][]byte) error {
	if first <= a.taken || !a.config.Sparse && first != a.taken+1 {
		return fmt.Errorf("audit: position %d was taken after %d", first, a.taken)
	}
	if len(leaves) == 0 {
		return nil
	}
	a.taken = first + ledger.Position(len(leaves)) - 1
	if first == 1 {
		a.found(leaves[0])
	}
	a.pending = append(a.pending, a.prepareAll(first, leaves))
	for len(a.pending) > ahead {
		if err := a.settleNext(); err != nil {
			return err
		}
	}
	return nil
}

// Settle waits until everything that was taken is judged.
func (a *Auditor) Settle() error {
	for len(a.pending) > 0 {
		if err := a.settleNext(); err != nil {
			return err
		}
	}
	return nil
}

// prepareAll begins the work that needs no state of cases.
func (a *Auditor) prepareAll(first ledger.Position, leaves [][]byte) *batch {
	b := &batch{list: a.room(len(leaves))}
	u := rules{a.config.Policy.Origin, a.config.Schemas, a.roster}
	b.done = a.parallel(len(leaves), func(i int) { u.prepare(&b.list[i], first+ledger.Position(i), leaves[i]) })
	return b
}

func (a *Auditor) settleNext() error {
	b := a.pending[0]
	a.pending = a.pending[1:]
	b.done.Wait()
	for i := range b.list {
		if b.list[i].stale(a.roster) {
			a.reverify(b.list[i:])
		}
		if err := a.settle(&b.list[i]); err != nil {
			a.abandon()
			return err
		}
	}
	clear(b.list)
	a.spare = append(a.spare, b.list[:0])
	return nil
}

// room gives what a batch is prepared in, used before if there is one.
func (a *Auditor) room(n int) []prepared {
	if last := len(a.spare) - 1; last >= 0 && cap(a.spare[last]) >= n {
		out := a.spare[last][:n]
		a.spare = a.spare[:last]
		return out
	}
	return make([]prepared, n)
}

// reverify judges the signatures of what was prepared anew, on all cores, after
// a change of the roster by which they may come out otherwise.
func (a *Auditor) reverify(list []prepared) {
	again := [][]prepared{list}
	for _, b := range a.pending {
		b.done.Wait()
		again = append(again, b.list)
	}
	r := a.roster
	for _, list := range again {
		a.parallel(len(list), func(i int) { list[i].recheck(r) }).Wait()
	}
}

// abandon waits for what is being prepared when the audit cannot go on.
func (a *Auditor) abandon() {
	for _, b := range a.pending {
		b.done.Wait()
	}
	a.pending = nil
}

// parallel calls do for 0 to n-1 on all cores.
func (a *Auditor) parallel(n int, do func(int)) *sync.WaitGroup {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(a.config.Workers, n) {
		wg.Go(func() {
			for i := int(next.Add(1) - 1); i < n; i = int(next.Add(1) - 1) {
				do(i)
			}
		})
	}
	return &wg
}
