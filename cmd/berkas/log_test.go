package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
	"github.com/berkas-ledger/berkas/web"
)

// running starts a rehearsal ledger in this process until the function it gives
// is called.
func runningNode(t *testing.T, h home, database string) (n *node, stop func()) {
	t.Helper()
	n, err := startNode(t.Context(), nodeConfig{home: h, log: testkit.Log(t), rehearsal: true, database: database, http: httpConfig{addr: "127.0.0.1:0", open: true, demo: "rehearsal"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.run(ctx) }()
	return n, func() {
		cancel()
		if err := errors.Join(<-ended, n.close()); err != nil {
			t.Error(err)
		}
	}
}

// addKey submits another key of Bawaslu and gives the receipt.
func addKey(t *testing.T, n *node, id ledger.KeyID) ledger.Receipt {
	t.Helper()
	root, err := n.home.signer("bawaslu/root")
	if err != nil {
		t.Fatal(err)
	}
	key, err := agencies.GenerateSigner(id, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	office := agencies.NewInstitution(agencies.Office{Origin: n.origin}, ledger.Bawaslu)
	draft, err := office.AddKey(time.Now(), ledger.KeyAdded{Agency: ledger.Bawaslu, Key: key.Public(), Role: ledger.RoleEvent})
	if err != nil {
		t.Fatal(err)
	}
	s, err := agencies.Sign(ledger.Bawaslu, draft, root, key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := n.dial(t.Context(), ledger.Bawaslu)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r, err := client.Submit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestLogOfALedger: what has a receipt gets into the log, over restarts; whoever
// holds the receipt finds its leaf hash there.
func TestLogOfALedger(t *testing.T) {
	h := home{filepath.Join(t.TempDir(), "ledger")}
	if _, err := ensureRehearsal(h, "berkas.example/log"); err != nil {
		t.Fatal(err)
	}
	database := testkit.DB(t)
	var older ledger.Checkpoint
	for _, id := range []ledger.KeyID{"bawaslu/first", "bawaslu/second"} {
		n, stop := runningNode(t, h, database)
		receipt := addKey(t, n, id)
		c, err := n.evidence.Seal(t.Context())
		if err != nil || c.Size < receipt.Position {
			t.Fatalf("sealed size %d for position %d: %v", c.Size, receipt.Position, err)
		}
		if err := n.parts(t.Context())["log"]; err != nil {
			t.Error(err)
		}
		p := transparency.NewProver(n.evidence.Fetch, c)
		proof, err := p.Inclusion(t.Context(), receipt.Position)
		if err == nil {
			err = ledger.CheckInclusion(c, receipt.Position, receipt.Leaf, proof)
		}
		if err != nil {
			t.Error(err)
		}
		consistency, err := p.Consistency(t.Context(), older.Size)
		if err == nil {
			err = ledger.CheckConsistency(older, c, consistency)
		}
		if err != nil {
			t.Error(err)
		}
		older = c
		fsck(t, n, c)
		stop()
	}
}

// fsck has others' program check the log that a ledger serves.
func fsck(t *testing.T, n *node, c ledger.Checkpoint) {
	t.Helper()
	script := exec.Command(repository(t, "scripts", "fsck.sh"))
	var errs bytes.Buffer
	script.Stderr = &errs
	program, err := script.Output()
	if err != nil {
		t.Fatalf("scripts/fsck.sh: %v\n%s", err, errs.Bytes())
	}
	g, err := readGenesis(n.home.genesisFile())
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(t.TempDir(), "log.pub")
	write(t, key, g.Log)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	said, _ := exec.CommandContext(ctx, strings.TrimSpace(string(program)), "--storage_url="+n.web.url()+"/", "--public_key="+key, "--ui=false").CombinedOutput()
	want := fmt.Sprintf("Successfully fsck'd log with size %d and root %s", c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
	if !bytes.Contains(said, []byte(want)) { // it exits with 0 whatever it finds
		t.Errorf("fsck does not say %q, but\n%s", want, said)
	}
}

// TestChangedLedgerIsNotSealed: with the disk in his hands somebody changes or
// cuts the journal where no receipt is looked at, and has LEDGER made anew from
// it. The log does not follow him; intake goes on; the part is not ready.
func TestChangedLedgerIsNotSealed(t *testing.T) {
	for name, row := range map[string]struct {
		cheat func(journal []byte) []byte
		why   string
	}{
		"changed": {func(journal []byte) []byte {
			at := bytes.Index(journal[2000:], []byte("position: 2\n")) + 2000
			at += bytes.Index(journal[at:], []byte(`"id":"`)) + len(`"id":"`) + 35
			if journal[at] == '0' { // another digit of the UUID: the event stays well-formed
				journal[at] = '1'
			} else {
				journal[at] = '0'
			}
			return journal
		}, "the journal's record has leaf hash"},
		"cut": {func(journal []byte) []byte {
			return journal[:bytes.LastIndex(journal, []byte("berkas/record/v1\n"))-2]
		}, "and was sealed up to"},
	} {
		t.Run(name, func(t *testing.T) {
			h := home{filepath.Join(t.TempDir(), "ledger")}
			if _, err := ensureRehearsal(h, "berkas.example/log"); err != nil {
				t.Fatal(err)
			}
			n, stop := runningNode(t, h, testkit.DB(t))
			addKey(t, n, "bawaslu/first")
			addKey(t, n, "bawaslu/second")
			before, err := n.evidence.Seal(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			stop()
			segment := filepath.Join(h.journal(), "segment-000000")
			raw, err := os.ReadFile(segment)
			if err == nil {
				err = os.WriteFile(segment, row.cheat(raw), 0o600)
			}
			if err == nil {
				err = os.RemoveAll(h.nats())
			}
			if err != nil {
				t.Fatal(err)
			}
			n, stop = runningNode(t, h, testkit.DB(t))
			defer stop()
			_, err = n.evidence.Seal(t.Context())
			if !errors.Is(err, transparency.ErrStopped) || !strings.Contains(err.Error(), row.why) {
				t.Errorf("seal: %v, want a stop because %q", err, row.why)
			}
			var told *web.Cause
			if part := n.parts(t.Context())["log"]; !errors.Is(part, transparency.ErrStopped) || !errors.As(part, &told) || !strings.Contains(told.Why, row.why) {
				t.Errorf("the part says %v", part)
			}
			if r := addKey(t, n, "bawaslu/third"); r.Outcome != ledger.Admitted {
				t.Errorf("intake: %s %s", r.Outcome, r.Reason)
			}
			if _, c := n.evidence.Published(); c != before {
				t.Errorf("published is size %d, was %d", c.Size, before.Size)
			}
		})
	}
}

// TestLogKeyIsMissing: a ledger without the log's key takes records in, and says
// that it is not ready.
func TestLogKeyIsMissing(t *testing.T) {
	h := home{filepath.Join(t.TempDir(), "ledger")}
	if _, err := ensureRehearsal(h, "berkas.example/log"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(h.path("keys", "registrar", "log.key")); err != nil {
		t.Fatal(err)
	}
	n, stop := runningNode(t, h, testkit.DB(t))
	defer stop()
	if r := addKey(t, n, "bawaslu/first"); r.Outcome != ledger.Admitted {
		t.Errorf("intake: %s %s", r.Outcome, r.Reason)
	}
	if err := n.parts(t.Context())["log"]; err == nil {
		t.Error("a log without a key is ready")
	}
}
