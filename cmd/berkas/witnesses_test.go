package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
	"github.com/berkas-ledger/berkas/web"
)

// witnessedHome is a rehearsal ledger with five witnesses of its own.
func witnessedHome(t *testing.T) home {
	t.Helper()
	h := home{filepath.Join(t.TempDir(), "ledger")}
	if _, err := ensureRehearsal(h, "berkas.example/witnessed"); err != nil {
		t.Fatal(err)
	}
	if err := h.ensureWitnesses(); err != nil {
		t.Fatal(err)
	}
	return h
}

// sealedBy seals the log and requires the quorum's cosignatures.
func sealedBy(t *testing.T, n *node, by int) ledger.Checkpoint {
	t.Helper()
	c, err := n.evidence.Seal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	signed, _ := n.evidence.Published()
	w, err := n.witnesses.policy.Open(signed)
	if err != nil || w.Checkpoint != c || len(w.By) != by {
		t.Fatalf("the checkpoint of %d records is cosigned by %v, %v; want %d", c.Size, w.By, err, by)
	}
	return c
}

// evidenceOf lists the evidence that the first witness keeps.
func evidenceOf(t *testing.T, h home, kind string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(h.witnessDir("w1"), "evidence", kind+"-*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// inProcess runs a command in this process.
func inProcess(args ...string) (code int, out string) {
	var b bytes.Buffer
	c := newRoot()
	c.SetArgs(args)
	c.SetOut(&b)
	err := c.Execute()
	if err != nil {
		fmt.Fprintln(&b, err)
	}
	return exitCode(err), b.String()
}

// TestOperatorRollsBack: the operator puts his whole ledger back to an older copy
// and goes on with other records, as after the loss of a disk, or to be rid of
// some. His own software sees nothing wrong. The witnesses do: nothing that he makes
// is published, and what he signed is proof to whoever has the tiles of the log as it
// was.
func TestOperatorRollsBack(t *testing.T) {
	h := witnessedHome(t)
	n, stop := runningNode(t, h, testkit.DB(t))
	addKey(t, n, "bawaslu/first")
	kept := sealedBy(t, n, 5)
	stop()
	copied := t.TempDir()
	restore := func(from, to string) {
		for _, part := range []string{"journal", "log", "nats"} {
			if err := os.RemoveAll(filepath.Join(to, part)); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), "cp", "-a", filepath.Join(from, part), to).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
	}
	restore(h.dir, copied)
	n, stop = runningNode(t, h, testkit.DB(t))
	addKey(t, n, "bawaslu/unwelcome")
	addKey(t, n, "bawaslu/more")
	seen := sealedBy(t, n, 5)
	stop()
	public := t.TempDir() // what anybody may have copied
	restore(h.dir, public)
	restore(copied, h.dir)

	n, stop = runningNode(t, h, testkit.DB(t))
	defer stop()
	addKey(t, n, "bawaslu/other")
	_, err := n.evidence.Seal(t.Context())
	if !errors.Is(err, ledger.ErrNoQuorum) || !errors.Is(n.parts(t.Context())["log"], ledger.ErrNoQuorum) || !strings.Contains(err.Error(), "rolled back") {
		t.Errorf("shorter: %v, and the part says %v", err, n.parts(t.Context())["log"])
	}
	addKey(t, n, "bawaslu/another")
	for range 2 { // first what was sealed before, then all
		_, err = n.evidence.Seal(t.Context())
	}
	if !errors.Is(err, ledger.ErrNoQuorum) {
		t.Errorf("as long as before: %v", err)
	}
	if _, c := n.evidence.Published(); c != kept {
		t.Errorf("published is size %d; %d was, and %d was seen", c.Size, kept.Size, seen.Size)
	}
	files := evidenceOf(t, h, "rollback")
	if len(files) != 1 {
		t.Fatalf("evidence of the rollback: %v", files)
	}
	code, out := inProcess("witness", "evidence", files[0], "--policy", h.policyFile())
	if code != exitOK || !strings.Contains(out, "NOT PROVEN by this file alone") {
		t.Errorf("exit %d\n%s", code, out)
	}
	code, out = inProcess("witness", "evidence", files[0], "--policy", h.policyFile(), "--from", filepath.Join(public, "log"))
	if code != exitVerify || !strings.Contains(out, "PROVEN: the ledger berkas.example/witnessed was shortened and changed") {
		t.Errorf("with a copy of the log as it was: exit %d\n%s", code, out)
	}
	code, out = inProcess("witness", "evidence", files[0], "--policy", h.policyFile(), "--from", h.logDir())
	if code != exitOK || !strings.Contains(out, "did not decide it") {
		t.Errorf("with the tiles of the other log: exit %d\n%s", code, out)
	}
}

// TestOperatorForks: with the log's key the operator signs a second ledger of the
// same size and shows it to a witness. The witness's file proves it to anybody who
// has the policy.
func TestOperatorForks(t *testing.T) {
	h := witnessedHome(t)
	n, stop := runningNode(t, h, testkit.DB(t))
	defer stop()
	addKey(t, n, "bawaslu/first")
	true1 := sealedBy(t, n, 5)
	var said bytes.Buffer
	n.describe(&said, false)
	if err := n.sealed(t.Context(), &said); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"3 of 5: w1, w2, w3, w4, w5", n.witnesses.own["w4"], "does not make them independent", "5 of 5 witnesses have seen", "not independence"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, said.String())
		}
	}
	signer, err := h.noteSigner("log.key")
	if err != nil {
		t.Fatal(err)
	}
	other := true1
	other.Root[0] ^= 1
	signed, err := ledger.SignCheckpoint(other, signer)
	if err != nil {
		t.Fatal(err)
	}
	body := append([]byte(fmt.Sprintf("old %d\n\n", other.Size)), signed...)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.witnesses.own["w1"]+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusConflict {
		t.Errorf("the witness answers %s", answer.Status)
	}
	files := evidenceOf(t, h, "fork")
	if len(files) != 1 {
		t.Fatalf("evidence of the fork: %v", files)
	}
	for _, format := range []string{"table", "json"} {
		code, out := inProcess("witness", "evidence", files[0], "--policy", h.policyFile(), "-o", format)
		want := map[string]string{"table": "PROVEN: the ledger berkas.example/witnessed was forked", "json": `"proven": true`}[format]
		if code != exitVerify || !strings.Contains(out, want) || !strings.Contains(out, other.Root.String()) {
			t.Errorf("exit %d\n%s", code, out)
		}
	}
	// To another ledger's policy it is nothing.
	stranger := witnessedHome(t)
	if code, out := inProcess("witness", "evidence", files[0], "--policy", stranger.policyFile()); code != exitFailure || strings.Contains(out, "PROVEN") {
		t.Errorf("by another ledger's policy: exit %d\n%s", code, out)
	}
	if code, out := inProcess("witness", "evidence", files[0]); code != exitUsage || !strings.Contains(out, "--policy is needed") {
		t.Errorf("without a policy: exit %d\n%s", code, out)
	}
}

// TestWitnessesComeLater: a ledger had none and gets some. Its newest checkpoint
// is cosigned by them without a new record.
func TestWitnessesComeLater(t *testing.T) {
	h := home{filepath.Join(t.TempDir(), "ledger")}
	if _, err := ensureRehearsal(h, "berkas.example/later"); err != nil {
		t.Fatal(err)
	}
	database := testkit.DB(t)
	n, stop := runningNode(t, h, database)
	without := sealedBy(t, n, 0)
	stop()
	if err := h.ensureWitnesses(); err != nil {
		t.Fatal(err)
	}
	n, stop = runningNode(t, h, database)
	defer stop()
	if with := sealedBy(t, n, 5); with != without {
		t.Errorf("sealed %v, before %v", with, without)
	}
}

// TestWitnessesMissing: two of five may be away; they are named and nothing else
// changes. With three away no checkpoint is published and the ledger is not ready,
// but records are taken in.
func TestWitnessesMissing(t *testing.T) {
	h := witnessedHome(t)
	database := testkit.DB(t)
	for away := 2; away <= 3; away++ {
		if err := os.RemoveAll(filepath.Join(h.witnessDir(fmt.Sprintf("w%d", away)), "state")); err != nil {
			t.Fatal(err)
		}
		if away == 2 {
			if err := os.RemoveAll(filepath.Join(h.witnessDir("w5"), "state")); err != nil {
				t.Fatal(err)
			}
		}
		n, stop := runningNode(t, h, database)
		r := addKey(t, n, ledger.KeyID(fmt.Sprintf("bawaslu/key-%d", away)))
		if r.Outcome != ledger.Admitted {
			t.Errorf("%d away: %s %s", away, r.Outcome, r.Reason)
		}
		var parts map[string]error
		if away == 2 {
			sealedBy(t, n, 3)
			if parts = n.parts(t.Context()); parts["log"] != nil {
				t.Errorf("the log is not ready: %v", parts["log"])
			}
			for name, err := range map[string]error{"witness w1": parts["witness w1"], "witness w2": parts["witness w2"], "witness w5": parts["witness w5"]} {
				if missing := name != "witness w1"; errors.Is(err, web.ErrMissing) != missing {
					t.Errorf("%s: %v", name, err)
				}
			}
		} else {
			before, _ := n.evidence.Published()
			if _, err := n.evidence.Seal(t.Context()); err == nil || !strings.Contains(err.Error(), "can never be reached") {
				t.Errorf("sealed below the quorum: %v", err)
			}
			if after, _ := n.evidence.Published(); !bytes.Equal(before, after) {
				t.Errorf("published below the quorum:\n%s", after)
			}
			if parts = n.parts(t.Context()); parts["log"] == nil {
				t.Error("the log is ready without a quorum")
			}
		}
		stop()
	}
}

// TestWitnessDocument types what docs/witness.md tells to type.
func TestWitnessDocument(t *testing.T) {
	raw, err := os.ReadFile(repository(t, "docs", "witness.md"))
	if err != nil {
		t.Fatal(err)
	}
	script := "set -eo pipefail\n"
	rest := string(raw)
	for {
		var block string
		var ok bool
		if _, rest, ok = strings.Cut(rest, "\n```sh\n"); !ok {
			break
		}
		block, rest, _ = strings.Cut(rest, "\n```\n")
		script += block + "\n"
	}
	for _, port := range []string{"8090", "8080"} {
		script = strings.ReplaceAll(script, "127.0.0.1:"+port, freeAddress(t))
	}
	dir := folder(t)
	cmd := exec.CommandContext(t.Context(), "bash", "-c", "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n"+script)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "DATABASE_URL="+testkit.DB(t), "BERKAS_NATS_PORT=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"— berkas.example/kampus/ledger ", "— witness.example/kampus ", `"witness kampus":"ok"`, "cosigned up to "} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
}

// freeAddress is an address of loopback where nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestWitnessCommands: what a person may get wrong.
func TestWitnessCommands(t *testing.T) {
	h := witnessedHome(t)
	dir := filepath.Join(t.TempDir(), "witness")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"run", "--dir", dir, "--policy", h.policyFile()}, exitNotFound, "no witness here"},
		{[]string{"init", "--dir", dir, "--name", "w.example/1"}, exitUsage, "--policy is needed"},
		{[]string{"init", "--dir", dir, "--policy", h.policyFile()}, exitUsage, "--name is needed"},
		{[]string{"init", "--dir", dir, "--name", "two words", "--policy", h.policyFile()}, exitFailure, "no spaces"},
		{[]string{"init", "--dir", dir, "--name", "w.example/1", "--policy", h.dir}, exitOK, "w.example/1+"},
		{[]string{"init", "--dir", dir, "--name", "w.example/1", "--policy", h.policyFile()}, exitFailure, "not empty"},
		{[]string{"run", "--dir", dir, "--policy", h.policyFile(), "--listen", "0.0.0.0:0"}, exitUsage, "--behind-tls"},
		{[]string{"run", "--dir", dir, "--policy", h.policyFile(), "--policy", h.policyFile(), "--listen", "127.0.0.1:0"}, exitFailure, "two policies"},
		{[]string{"run", "--dir", dir, "--policy", filepath.Dir(dir), "--listen", "127.0.0.1:0"}, exitNotFound, "no policy in"},
	} {
		if code, out := inProcess(append([]string{"witness"}, c.args...)...); code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("witness %v: exit %d, want %d and %q\n%s", c.args, code, c.code, c.want, out)
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, "state")); err != nil {
		t.Fatal(err)
	}
	if code, out := inProcess("witness", "run", "--dir", dir, "--policy", h.policyFile(), "--listen", "127.0.0.1:0"); code != exitVerify || !strings.Contains(out, transparency.ErrWitnessState.Error()) {
		t.Errorf("without its state: exit %d\n%s", code, out)
	}
	other := witnessedHome(t)
	n, err := startNode(t.Context(), nodeConfig{home: h, log: testkit.Log(t), rehearsal: true, database: testkit.DB(t), policyFile: other.policyFile()})
	if exitCode(err) != exitVerify || !strings.Contains(err.Error(), "is not the policy of this ledger") {
		t.Errorf("another ledger's policy: %v, %v", n, err)
	}
}
