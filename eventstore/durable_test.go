package eventstore

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestPowerCuts cuts the power at every step of a commit, in each of its forms
// ("failed", "failed but happened"), on a disk that forgets what was not synced,
// with LEDGER as it was, put back to an older copy, torn, or removed. Nothing
// that anybody was told may be lost, nothing may be there twice, and journal and
// LEDGER are one again.
func TestPowerCuts(t *testing.T) {
	moments := dryRun(t)
	for _, want := range []string{"disk: write", "disk: sync", "disk: syncdir", stepWritten, stepSynced, stepDurable, stepPublishing, stepPublished} {
		if !slices.ContainsFunc(moments, func(m moment) bool { return m.name == want }) {
			t.Fatalf("a commit does not pass %q", want)
		}
	}
	for i, m := range moments {
		for _, form := range m.forms() {
			for _, after := range aftermaths {
				t.Run(fmt.Sprintf("%d %s, %s, LEDGER %s", i, m.name, form, after.name), func(t *testing.T) {
					t.Parallel()
					h := newHarness(t)
					h.cutAt, h.form = i, form
					check(t, h.run(after))
				})
			}
		}
	}
}

// TestPowerCutsAreNoticed takes the sync away: it says yes and does nothing. The
// same harness has to report a loss.
func TestPowerCutsAreNoticed(t *testing.T) {
	lost := 0
	for i, m := range dryRun(t) {
		if m.name != stepDurable {
			continue
		}
		h := newHarness(t)
		h.cutAt, h.disk.lying = i, true
		err := h.run(aftermaths[len(aftermaths)-1])
		if err == nil || !strings.Contains(err.Error(), "lost") {
			t.Errorf("cut at %d %s without a sync: %v", i, m.name, err)
		}
		t.Logf("without a sync: %v", err)
		lost++
	}
	if lost == 0 {
		t.Fatal("nothing was tried")
	}
}

// moment is a point of the run at which the power may be cut.
type moment struct{ name string }

// forms of what may have become of the step at which the power is cut.
func (m moment) forms() []string {
	switch m.name {
	case "disk: write":
		return []string{"failed", "done in part"}
	case "disk: sync", "disk: syncdir":
		return []string{"failed", "failed but happened"}
	case stepWritten: // what the disk has of bytes that were not synced
		return []string{"all forgotten", "a part kept", "all kept", "zeros kept"}
	}
	return []string{"cut"}
}

func dryRun(t *testing.T) []moment {
	t.Helper()
	h := newHarness(t)
	h.cutAt = -1
	check(t, h.run(aftermaths[0]))
	return h.moments
}

// aftermath is what the power cut leaves of JetStream's directory.
type aftermath struct {
	name  string
	apply func(h *harness) error
}

// The server keeps its files in one directory; older and torn are copies of it,
// torn one that was made while the server wrote.
var aftermaths = []aftermath{
	{"kept", func(*harness) error { return nil }},
	{"older", func(h *harness) error { return h.putBack(h.older) }},
	{"torn", func(h *harness) error { return h.putBack(h.torn) }},
	{"removed", func(h *harness) error { return os.RemoveAll(h.storeDir()) }},
}

// harness is a registrar that decides nothing: it gives each submission the next
// position, and answers what was recorded with a receipt.
type harness struct {
	tb    testing.TB
	node  *node
	disk  *forgetful
	older string
	torn  string

	mu      sync.Mutex
	cutAt   int // the moment at which the power is cut
	form    string
	moments []moment
	cut     bool
	armed   bool

	receipts map[string]receipt // by submission
}

type receipt struct {
	position ledger.Position
	leaf     ledger.Hash
}

func newHarness(tb testing.TB) *harness {
	h := &harness{tb: tb, node: newNode(tb), disk: newForgetful(), receipts: map[string]receipt{}}
	h.older, h.torn = filepath.Join(tb.TempDir(), "older"), filepath.Join(tb.TempDir(), "torn")
	h.disk.fault = h.diskFault
	h.node.config.rig = rig{fault: h.pass, disk: h.disk.disk(), perSegment: 64}
	return h
}

var errPowerCut = errors.New("power cut")

// pass is called at each moment and says whether the power is cut there.
func (h *harness) pass(name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.armed {
		return nil
	}
	if h.cut {
		return errPowerCut
	}
	h.moments = append(h.moments, moment{name})
	if len(h.moments)-1 != h.cutAt {
		return nil
	}
	h.cut = true
	return errPowerCut
}

func (h *harness) diskFault(op string) (happened bool, err error) {
	h.mu.Lock()
	cut := h.cut
	h.mu.Unlock()
	if cut {
		return false, errPowerCut
	}
	if op == "truncate" {
		return true, nil
	}
	if err := h.pass("disk: " + op); err != nil {
		return h.form == "done in part" || h.form == "failed but happened", err
	}
	return true, nil
}

// run commits, loses power, recovers, and goes on. It returns what was lost.
func (h *harness) run(after aftermath) error {
	s, err := Open(h.tb.Context(), h.node.config)
	if err != nil {
		return err
	}
	// History from before, and a copy of LEDGER that is older than the rest.
	if err := h.submit(s, 5, 1, 7); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	h.node.server.stop()
	if err := os.CopyFS(h.older, os.DirFS(h.storeDir())); err != nil {
		return err
	}
	h.node.server.restart(h.tb)
	if s, err = Open(h.tb.Context(), h.node.config); err != nil {
		return err
	}
	if err := h.submit(s, 3); err != nil {
		return err
	}
	if err := h.settle(s); err != nil {
		return err
	}
	h.mu.Lock()
	h.armed = true
	h.mu.Unlock()
	err = h.submit(s, 60, 1) // the first one goes over the end of a segment
	if h.cutAt >= 0 && err == nil {
		// The power may go after Commit has returned, while LEDGER follows.
		err = h.settle(s)
	}
	if h.cutAt >= 0 && (!h.cut || err == nil) {
		return fmt.Errorf("the power was not cut (%v), or nobody noticed: %w", h.cut, err)
	}
	if h.cutAt < 0 && err != nil {
		return err
	}
	h.loseEverything(s)
	h.node.server.stop()
	if err := after.apply(h); err != nil {
		return err
	}
	h.node.server.restart(h.tb)
	return h.comeBack()
}

func (h *harness) loseEverything(s *Store) {
	h.tb.Helper()
	// Copied while the server runs, as a disk without its cache would look.
	_ = copyTorn(h.torn, h.storeDir())
	_ = s.Close()
	switch h.form {
	case "a part kept":
		h.disk.survives = func(b []byte) []byte { return b[:len(b)*5/7] }
	case "all kept":
		h.disk.survives = func(b []byte) []byte { return b }
	case "zeros kept":
		h.disk.survives = func(b []byte) []byte { return make([]byte, len(b)) }
	}
	check(h.tb, h.disk.cutPower())
}

// comeBack starts again on what is left.
func (h *harness) comeBack() error {
	h.node.config.rig = rig{perSegment: 64}
	s, err := Open(h.tb.Context(), h.node.config)
	if err != nil {
		return fmt.Errorf("lost: %w", err)
	}
	defer func() { _ = s.Close() }()
	if err := h.audit(s); err != nil {
		return err
	}
	// The senders that have no receipt send the same bytes again.
	if err := h.submit(s, 2, 30); err != nil {
		return err
	}
	return errors.Join(h.settle(s), h.audit(s))
}

// settle waits for LEDGER to follow.
func (h *harness) settle(s *Store) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.settle(h.tb.Context()), s.ended)
}

// submit hands in new submissions, and before them all that have no receipt, as
// batches of the given sizes.
func (h *harness) submit(s *Store, sizes ...int) error {
	recorded := map[string]ledger.Record{}
	if err := s.Feed()(h.tb.Context(), 0, func(list []ledger.Record) error {
		for _, r := range list {
			recorded[string(r.Body)] = r
		}
		return nil
	}); err != nil {
		return err
	}
	for _, size := range sizes {
		var batch []string
		for len(batch) < size {
			body := fmt.Sprintf(`{"submission":%d,"pad":%q}`, len(h.receipts), strings.Repeat("x", 500))
			if r, ok := recorded[body]; ok { // recognised: only the receipt is sent again
				h.receipts[body] = receipt{r.Position, r.LeafHash()}
				continue
			}
			h.receipts[body] = receipt{} // submitted; see below
			batch = append(batch, body)
		}
		if err := h.commit(s, batch); err != nil {
			for _, body := range batch {
				if h.receipts[body].position == 0 {
					delete(h.receipts, body)
				}
			}
			return err
		}
	}
	return nil
}

func (h *harness) commit(s *Store, batch []string) error {
	records := make([]ledger.Record, len(batch))
	for i, body := range batch {
		r := newRecord(s.Journal().Len()+1+ledger.Position(i), "", 0)
		r.Body = []byte(body)
		records[i] = r
	}
	return s.Commit(h.tb.Context(), records, func() {
		for _, r := range records {
			h.receipts[string(r.Body)] = receipt{r.Position, r.LeafHash()}
		}
	})
}

// audit compares what was promised with what is there.
func (h *harness) audit(s *Store) error {
	var chain ledger.Chain
	bodies := map[string]ledger.Position{}
	leaves := map[ledger.Position]ledger.Hash{}
	err := s.Feed()(h.tb.Context(), 0, func(list []ledger.Record) error {
		for _, r := range list {
			leaf, err := chain.Next(r)
			if err != nil {
				return err
			}
			if first, ok := bodies[string(r.Body)]; ok {
				return fmt.Errorf("one submission is at %d and at %d", first, r.Position)
			}
			bodies[string(r.Body)], leaves[r.Position] = r.Position, leaf
		}
		return nil
	})
	if err != nil {
		return err
	}
	for body, r := range h.receipts {
		if r.position != 0 && leaves[r.position] != r.leaf {
			return fmt.Errorf("lost: the receipt for position %d (%.20s...) does not stand", r.position, body)
		}
	}
	onLedger := h.node.onLedger(h.tb)
	if len(onLedger) != len(leaves) {
		return fmt.Errorf("LEDGER has %d records, the journal %d", len(onLedger), len(leaves))
	}
	for i, r := range onLedger {
		if r.Position != ledger.Position(i+1) || r.LeafHash() != leaves[r.Position] {
			return fmt.Errorf("LEDGER and journal differ at position %d", i+1)
		}
	}
	return nil
}

func (h *harness) storeDir() string { return h.node.server.config.Dir }

func (h *harness) putBack(from string) error {
	if err := os.RemoveAll(h.storeDir()); err != nil {
		return err
	}
	return os.CopyFS(h.storeDir(), os.DirFS(from))
}

// copyTorn copies files that change while they are copied; what vanishes under
// its hands it leaves out.
func copyTorn(to, from string) error {
	return filepath.WalkDir(from, func(path string, d os.DirEntry, gone error) error {
		if gone != nil {
			return nil //nolint:nilerr // it vanished
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		content, gone := os.ReadFile(path)
		if gone != nil {
			return nil //nolint:nilerr // it vanished
		}
		return os.WriteFile(target, content, 0o644)
	})
}
