package agencies

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

func openOutbox(t *testing.T, dir string) *Outbox {
	t.Helper()
	o, err := OpenOutbox(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() }) // the test may have closed it
	return o
}

func TestOutboxKeepsWhatWasPut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "outbox")
	s := signer(t, "bawaslu/2026a")
	o := openOutbox(t, dir)
	var subs []ledger.Submission
	for range 12 {
		subs = append(subs, opening(t, s))
	}
	if err := o.Put(subs[:6]...); err != nil {
		t.Fatal(err)
	}
	if err := o.Put(subs[3:]...); err != nil { // some of them for the second time
		t.Fatal(err)
	}
	if _, err := OpenOutbox(dir); !errors.Is(err, ErrOutboxInUse) {
		t.Errorf("opened twice: %v", err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	got := openOutbox(t, dir).Pending()
	if len(got) != len(subs) {
		t.Fatalf("%d wait, want %d", len(got), len(subs))
	}
	for i := range got {
		if !bytes.Equal(got[i].Body, subs[i].Body) || got[i].Agency != subs[i].Agency || got[i].Signatures[0] != subs[i].Signatures[0] {
			t.Errorf("submission %d is not what was put", i)
		}
	}
}

func TestOutboxSubmit(t *testing.T) {
	key, verifier := receiptKeys(t)
	r := newRegistrar(t, testkit.NATS(t).ClientURL(), key)
	r.intake(ledger.Bawaslu, -1)
	r.refuse = func(e ledger.Event) bool { return e.Kind == ledger.CaseReceivedKind }
	r.work(ledger.Bawaslu)
	c := dial(t, r.conn.ConnectedUrl(), ledger.Bawaslu, verifier, time.Minute)
	dir := t.TempDir()
	o := openOutbox(t, dir)
	s := signer(t, "bawaslu/2026a")

	sub := opening(t, s)
	first, err := o.Submit(within(t, time.Minute), c, sub)
	if err != nil {
		t.Fatal(err)
	}
	again, err := o.Submit(within(t, time.Minute), c, sub)
	if err != nil || again.Position != first.Position {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	if r.deliveries(sub.Sum()) != 1 {
		t.Error("what was admitted was sent again")
	}

	draft, err := NewBawaslu(Office{Origin: origin}).Receive(newID(t), happened, ledger.CaseReceived{From: ledger.KASN})
	if err != nil {
		t.Fatal(err)
	}
	no := sign(t, ledger.Bawaslu, draft, s)
	for want := 1; want <= 2; want++ { // what was refused may be decided anew
		var refused *RefusedError
		if _, err := o.Submit(within(t, time.Minute), c, no); !errors.As(err, &refused) {
			t.Errorf("Submit: %v", err)
		}
		if got := r.deliveries(no.Sum()); got != want {
			t.Errorf("sent %d times, want %d", got, want)
		}
	}
	if len(o.Pending()) != 0 {
		t.Error("something waits still")
	}
	if problems, err := CheckOutbox(dir, verifier, origin); err != nil || len(problems) != 0 {
		t.Errorf("CheckOutbox: %v, %v", problems, err)
	}
	if n, err := o.Prune(); n != 1 || err != nil {
		t.Errorf("Prune = %d, %v", n, err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if o = openOutbox(t, dir); len(o.entries) != 1 || len(o.Pending()) != 0 {
		t.Errorf("after pruning: %d entries", len(o.entries))
	}
}

// Whatever byte of a file is missing or changed, the outbox says so.
func TestOutboxCheckFindsDamage(t *testing.T) {
	key, verifier := receiptKeys(t)
	dir := t.TempDir()
	o := openOutbox(t, dir)
	sub := opening(t, signer(t, "bawaslu/2026a"))
	if err := o.Put(sub); err != nil {
		t.Fatal(err)
	}
	signed, err := ledger.SignReceipt(ledger.Receipt{
		Origin: origin, Agency: ledger.Bawaslu, Event: "-", Sum: sub.Sum(), Outcome: ledger.Admitted, Position: 7, Recorded: happened,
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.settle(sub.Sum(), signed); err != nil {
		t.Fatal(err)
	}
	check := func() []Problem {
		t.Helper()
		problems, err := CheckOutbox(dir, verifier, origin)
		if err != nil {
			t.Fatal(err)
		}
		return problems
	}
	if p := check(); len(p) != 0 {
		t.Fatalf("sound: %v", p)
	}
	for _, suffix := range []string{submissionSuffix, receiptSuffix} {
		path := o.path(1, sub.Sum(), suffix)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(whole); at += 13 {
			flipped := bytes.Clone(whole)
			flipped[at] ^= 1
			for name, data := range map[string][]byte{"torn": whole[:at], "altered": flipped} {
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
				if len(check()) == 0 {
					t.Errorf("%s %s at byte %d: nothing found", suffix, name, at)
				}
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if p := check(); len(p) != 1 || p[0].File != "notes.txt" {
		t.Errorf("a file that does not belong here: %v", p)
	}
	if err := os.Rename(o.path(1, sub.Sum(), submissionSuffix), filepath.Join(t.TempDir(), "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if p := check(); len(p) != 2 {
		t.Errorf("a receipt without its submission: %v", p)
	}
}

func TestOutboxRefusesADamagedDirectory(t *testing.T) {
	dir := t.TempDir()
	o := openOutbox(t, dir)
	sub := opening(t, signer(t, "bawaslu/2026a"))
	if err := o.Put(sub); err != nil {
		t.Fatal(err)
	}
	// What a crash leaves while a file is being written is no damage.
	unfinished := o.path(2, ledger.Hash{1}, submissionSuffix) + temporarySuffix
	if err := os.WriteFile(unfinished, []byte(submissionMagic), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	o = openOutbox(t, dir)
	if there, err := exists(unfinished); there || err != nil {
		t.Errorf("the unfinished file is still there, %v", err)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(o.path(1, sub.Sum(), submissionSuffix), 100); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenOutbox(dir); !errors.Is(err, ErrOutboxDamaged) {
		t.Errorf("a torn submission: %v", err)
	}
}

// The child process of TestKilledAgencyLosesNothing.
const (
	childDir = "BERKAS_TEST_OUTBOX_DIR"
	childURL = "BERKAS_TEST_NATS_URL"
	childKey = "BERKAS_TEST_RECEIPT_KEY"
)

// childMain is what a child process does instead of running tests: it sends what
// waits, then puts and submits case after case, saying on standard output what
// it has put, until it is killed.
func childMain() {
	dir := os.Getenv(childDir)
	if dir == "" {
		return
	}
	fmt.Println("failed:", child(context.Background(), dir))
	os.Exit(1)
}

func child(ctx context.Context, dir string) error {
	verifier, err := note.NewVerifier(os.Getenv(childKey))
	if err != nil {
		return err
	}
	c, err := Dial(ctx, Config{
		URL: os.Getenv(childURL), Agency: ledger.Bawaslu, Origin: origin, Receipts: verifier, Patience: 100 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	o, err := OpenOutbox(dir)
	if err != nil {
		return err
	}
	for r := range o.Send(ctx, Clients{ledger.Bawaslu: c}, 100) {
		if r.Err != nil {
			return r.Err
		}
	}
	s, err := LoadSigner(filepath.Join(filepath.Dir(dir), "key"))
	if err != nil {
		return err
	}
	for {
		id, err := NewID()
		if err != nil {
			return err
		}
		d, err := NewBawaslu(Office{Origin: origin}).OpenCase(id, happened, caseOpened())
		if err != nil {
			return err
		}
		sub, err := Sign(ledger.Bawaslu, d, s)
		if err != nil {
			return err
		}
		if err := o.Put(sub); err != nil {
			return err
		}
		fmt.Println("put", d.ID)
		if _, err := o.Submit(ctx, c, sub); err != nil {
			return err
		}
		fmt.Println("done", d.ID)
	}
}

// An agency's program is killed again and again; what it has put is recorded
// once, whichever line it had reached, and its receipt is at hand in the end.
func TestKilledAgencyLosesNothing(t *testing.T) {
	key, public := receiptKeyText(t)
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	r := newRegistrar(t, testkit.NATS(t).ClientURL(), key)
	r.intake(ledger.Bawaslu, -1)
	r.answer = func(times int, subject string, receipt []byte) {
		if subject[len(subject)-1] != 'a' || times > 1 { // some receipts are lost once
			r.send(subject, receipt)
		}
	}
	r.work(ledger.Bawaslu)
	root := t.TempDir()
	dir := filepath.Join(root, "outbox")
	if err := signer(t, "bawaslu/2026a").Save(filepath.Join(root, "key")); err != nil {
		t.Fatal(err)
	}
	put := map[string]bool{}
	for round := range 6 {
		runAndKill(t, r.conn.ConnectedUrl(), dir, public, 5+3*round, round%2 == 0, put)
	}

	o := openOutbox(t, dir)
	c := dial(t, r.conn.ConnectedUrl(), ledger.Bawaslu, verifier, 100*time.Millisecond)
	for res := range o.Send(within(t, time.Minute), Clients{ledger.Bawaslu: c}, 100) {
		if res.Err != nil {
			t.Error(res.Err)
		}
	}
	times := map[string]int{}
	for _, id := range r.admitted() {
		times[id]++
	}
	for id := range put {
		if times[id] != 1 {
			t.Errorf("event %s was put and is recorded %d times", id, times[id])
		}
	}
	if len(put) < 30 {
		t.Errorf("only %d were put", len(put))
	}
	if p, err := CheckOutbox(dir, verifier, origin); err != nil || len(p) != 0 {
		t.Errorf("CheckOutbox: %v, %v", p, err)
	}
	receipts, err := filepath.Glob(filepath.Join(dir, "*"+receiptSuffix))
	if err != nil || len(receipts) != len(times) {
		t.Errorf("%d receipts for %d records, %v", len(receipts), len(times), err)
	}
}

// runAndKill runs the child until it has said so many lines, then kills it the
// hard way: right after a line that says "put" if afterPut, else at once.
func runAndKill(t *testing.T, url, dir, verifier string, lines int, afterPut bool, put map[string]bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childURL+"="+url, childKey+"="+verifier)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	scan := bufio.NewScanner(out)
	for n := 0; scan.Scan(); n++ {
		word, id, _ := strings.Cut(scan.Text(), " ")
		switch word {
		case "put":
			put[id] = true
		case "done":
		default:
			t.Errorf("the child says %q", scan.Text())
		}
		if n >= lines && (word == "put") == afterPut {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // says only that it was killed
}
