package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

// growing is a log of hashes alone, at a witness's door.
type growing struct {
	t      *testing.T
	signer note.Signer
	origin string
	size   int64
	stored []tlog.Hash
}

func (g *growing) read(index []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(index))
	for i, n := range index {
		out[i] = g.stored[n]
	}
	return out, nil
}

// next adds a record and gives the checkpoint, and the same signed.
func (g *growing) next() (ledger.Checkpoint, []byte) {
	g.t.Helper()
	hashes, err := tlog.StoredHashes(g.size, fmt.Appendf(nil, "record %d", g.size), tlog.HashReaderFunc(g.read))
	if err != nil {
		g.t.Fatal(err)
	}
	g.stored = append(g.stored, hashes...)
	g.size++
	root, err := tlog.TreeHash(g.size, tlog.HashReaderFunc(g.read))
	if err != nil {
		g.t.Fatal(err)
	}
	c := ledger.Checkpoint{Origin: g.origin, Size: ledger.Position(g.size), Root: ledger.Hash(root)}
	signed, err := ledger.SignCheckpoint(c, g.signer)
	if err != nil {
		g.t.Fatal(err)
	}
	return c, signed
}

func (g *growing) consistency(_ context.Context, older ledger.Position) ([]ledger.Hash, error) {
	proof, err := tlog.ProveTree(g.size, int64(older), tlog.HashReaderFunc(g.read))
	out := make([]ledger.Hash, len(proof))
	for i, h := range proof {
		out[i] = ledger.Hash(h)
	}
	return out, err
}

// witnessProcess runs berkas witness run and gives it once it listens.
func witnessProcess(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"witness", "run"}, args...)...)
	cmd.Args[0], cmd.Stderr = "berkas", os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(out); s.Scan(); {
		if strings.HasPrefix(s.Text(), "It has seen ") {
			return cmd
		}
	}
	t.Fatalf("the witness does not start again: %v", cmd.Wait())
	return nil
}

// TestWitnessKilled kills a witness at random moments while a log asks it without
// a pause. It always starts again, never knows less than it cosigned, and the log
// goes on.
func TestWitnessKilled(t *testing.T) {
	h := home{filepath.Join(t.TempDir(), "ledger")}
	if _, err := ensureRehearsal(h, "berkas.example/killed"); err != nil {
		t.Fatal(err)
	}
	policy, err := readPolicy(h.policyFile())
	if err != nil {
		t.Fatal(err)
	}
	dir, address := filepath.Join(t.TempDir(), "w"), freeAddress(t)
	key, err := transparency.CreateWitness(dir, "w.example/killed", policy)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--dir", dir, "--policy", h.policyFile(), "--listen", address}
	policy.Witnesses = []ledger.PolicyWitness{{Name: "w", Key: key, URL: "http://" + address}}
	policy.Quorum = "w"
	gatherer, err := transparency.NewGatherer(transparency.GathererConfig{Policy: policy, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	g := &growing{t: t, origin: policy.Origin}
	if g.signer, err = h.noteSigner("log.key"); err != nil {
		t.Fatal(err)
	}
	var cosigned ledger.Position
	for round := range 8 {
		cmd := witnessProcess(t, args...)
		// What it knows now is at least what it has given its word on.
		state, err := os.ReadFile(filepath.Join(dir, "state", "berkas.example_killed.checkpoint"))
		if err != nil {
			t.Fatal(err)
		}
		if cosigned > 0 {
			if seen, err := openLog(policy, state); err != nil || seen.Size < cosigned {
				t.Fatalf("round %d: it cosigned %d records and knows %d (%v)", round, cosigned, seen.Size, err)
			}
		}
		c, signed := g.next()
		if _, err := gatherer.Gather(t.Context(), signed, c, g.consistency); err != nil {
			t.Fatalf("round %d, %d records, after %d: %v", round, c.Size, cosigned, err)
		}
		cosigned = c.Size
		kill := time.AfterFunc(time.Duration(rand.N(30))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		for {
			c, signed := g.next()
			if _, err := gatherer.Gather(t.Context(), signed, c, g.consistency); err != nil {
				break // it was killed
			}
			cosigned = c.Size
		}
		kill.Stop()
		if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("round %d: the witness ended by itself: %v", round, err)
		}
	}
	t.Logf("cosigned %d of %d checkpoints over 8 kills", cosigned, g.size)
}
