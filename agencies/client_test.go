package agencies

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/berkas-ledger/berkas/internal/local"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// Of every three submissions one gets its receipt at the second sending only,
// one gets a forged one first, and one gets it three times.
func TestSubmitThroughLossForgeryAndRepetition(t *testing.T) {
	key, verifier := receiptKeys(t)
	stranger, _ := receiptKeys(t)
	r := newRegistrar(t, testkit.NATS(t).ClientURL(), key)
	r.intake(ledger.Bawaslu, -1)
	r.answer = func(times int, subject string, receipt []byte) {
		switch subject[len(subject)-1] % 3 {
		case 0:
			if times > 1 {
				r.send(subject, receipt)
			}
		case 1:
			forged := r.receipt(mustHash(t, subject))
			forged.Outcome, forged.Reason = ledger.Refused, ledger.CodeSchema
			signed, err := ledger.SignReceipt(forged, stranger)
			if err != nil {
				t.Error(err)
			}
			r.send(subject, signed)
			r.send(subject, []byte("no note at all"))
			r.send(subject, receipt)
		default:
			for range 3 {
				r.send(subject, receipt)
			}
		}
	}
	r.work(ledger.Bawaslu)
	c := dial(t, r.conn.ConnectedUrl(), ledger.Bawaslu, verifier, 300*time.Millisecond)
	s := signer(t, "bawaslu/2026a")

	const n = 300
	var wait sync.WaitGroup
	for range n {
		sub := opening(t, s)
		wait.Go(func() {
			receipt, err := c.Submit(within(t, time.Minute), sub)
			if err != nil {
				t.Error(err)
				return
			}
			if receipt.Sum != sub.Sum() || receipt.Event != idOf(t, sub) || receipt.Outcome != ledger.Admitted {
				t.Errorf("receipt %+v", receipt)
			}
		})
	}
	wait.Wait()
	if got := len(r.admitted()); got != n {
		t.Errorf("%d records, want %d", got, n)
	}
	if r.resent() == 0 {
		t.Error("nothing was sent again, though receipts were withheld")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) != 0 || len(c.tokens) != 0 {
		t.Errorf("%d and %d waits are left", len(c.waiting), len(c.tokens))
	}
}

func mustHash(t testing.TB, subject string) ledger.Hash {
	t.Helper()
	h, err := ledger.ParseHash(subject[strings.LastIndexByte(subject, '.')+1:])
	if err != nil {
		t.Error(err)
	}
	return h
}

func TestSubmitRefused(t *testing.T) {
	key, verifier := receiptKeys(t)
	r := newRegistrar(t, testkit.NATS(t).ClientURL(), key)
	r.intake(ledger.Bawaslu, -1)
	r.refuse = func(ledger.Event) bool { return true }
	r.work(ledger.Bawaslu)
	c := dial(t, r.conn.ConnectedUrl(), ledger.Bawaslu, verifier, time.Second)
	_, err := c.Submit(within(t, time.Minute), opening(t, signer(t, "bawaslu/2026a")))
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Receipt.Reason != ledger.CodeCaseUnknown || !refused.Retry() {
		t.Fatalf("Submit: %v", err)
	}
	if got, want := refused.Error(), "refused: case-unknown at /subject: No such case has been opened at that time."; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	again, err := ledger.OpenReceipt(refused.Note, verifier)
	if err != nil || again.Position != refused.Receipt.Position {
		t.Errorf("the note does not say the receipt: %v", err)
	}
}

// Receipts that are signed by the right key but say something else are no
// answer: of another ledger, for another agency, for other bytes.
func TestSubmitTakesOnlyItsOwnReceipt(t *testing.T) {
	for name, change := range map[string]func(*ledger.Receipt){
		"of the ledger": func(r *ledger.Receipt) { r.Origin = "ledger.example/other" },
		"for kasn":      func(r *ledger.Receipt) { r.Agency = ledger.KASN },
		"for the bytes": func(r *ledger.Receipt) { r.Sum[0]++ },
	} {
		key, verifier := receiptKeys(t)
		r := newRegistrar(t, testkit.NATS(t).ClientURL(), key)
		r.intake(ledger.Bawaslu, -1)
		ctx, cancel := context.WithCancel(within(t, time.Minute))
		r.answer = func(_ int, subject string, _ []byte) {
			wrong := r.receipt(mustHash(t, subject))
			change(&wrong)
			r.send(subject, r.sign(wrong))
		}
		r.work(ledger.Bawaslu)
		c := dial(t, r.conn.ConnectedUrl(), ledger.Bawaslu, verifier, 100*time.Millisecond)
		go func() {
			for range 3 { // the second sending shows that the first answer was not taken
				<-r.seen
			}
			cancel()
		}()
		_, err := c.Submit(ctx, opening(t, signer(t, "bawaslu/2026a")))
		var none *NoReceiptError
		if !errors.As(err, &none) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: Submit: %v", name, err)
		}
	}
}

func TestSubmitWhileIntakeIsFull(t *testing.T) {
	key, verifier := receiptKeys(t)
	r := newRegistrar(t, testkit.NATS(t).ClientURL(), key)
	r.intake(ledger.Bawaslu, 16<<10) // room for some ten submissions
	c := dial(t, r.conn.ConnectedUrl(), ledger.Bawaslu, verifier, time.Minute)
	turned := watchTurns(c)
	s := signer(t, "bawaslu/2026a")

	// Nobody takes anything out: those that find no room say so at the end.
	ctx, cancel := context.WithCancel(t.Context())
	subs := make([]ledger.Submission, 40)
	errs := make(chan error, len(subs))
	for i := range subs {
		subs[i] = opening(t, s)
		go func() {
			_, err := c.Submit(ctx, subs[i])
			errs <- err
		}()
	}
	for range 20 { // more than half have no room
		await(t, turned)
	}
	cancel()
	full := 0
	for range subs {
		err := <-errs
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Submit: %v", err)
		}
		if errors.Is(err, ErrIntakeFull) {
			full++
		}
	}
	if full == 0 || full == len(subs) {
		t.Errorf("%d of %d were told that the intake is full", full, len(subs))
	}

	// Once the registrar works, all get in, without waiting for the patience.
	r.work(ledger.Bawaslu)
	for i := range subs {
		go func() {
			_, err := c.Submit(within(t, 50*time.Second), subs[i])
			errs <- err
		}()
	}
	for range subs {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := len(r.admitted()); got != len(subs) {
		t.Errorf("%d records, want %d", got, len(subs))
	}
}

func (r *registrar) stored(t testing.TB) uint64 {
	t.Helper()
	stream, err := r.js.Stream(t.Context(), "INTAKE-bawaslu")
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

func TestSubmitWithoutIntake(t *testing.T) {
	key, verifier := receiptKeys(t)
	r := newRegistrar(t, testkit.NATS(t).ClientURL(), key)
	c := dial(t, r.conn.ConnectedUrl(), ledger.Bawaslu, verifier, time.Minute)
	turned := watchTurns(c)
	sub := opening(t, signer(t, "bawaslu/2026a"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := c.Submit(ctx, sub)
		done <- err
	}()
	await(t, turned)
	cancel()
	if err := <-done; !errors.Is(err, ErrNoIntake) {
		t.Errorf("Submit: %v", err)
	}

	// An intake that is set up later is found.
	r.intake(ledger.Bawaslu, -1)
	r.work(ledger.Bawaslu)
	if _, err := c.Submit(within(t, 50*time.Second), sub); err != nil {
		t.Error(err)
	}
}

func TestSubmitTooLarge(t *testing.T) {
	key, verifier := receiptKeys(t)
	r := newRegistrar(t, testkit.NATS(t).ClientURL(), key)
	r.intake(ledger.Bawaslu, -1)
	c := dial(t, r.conn.ConnectedUrl(), ledger.Bawaslu, verifier, time.Minute)
	s := signer(t, "bawaslu/2026a")
	for _, size := range []int{65 << 10, 1 << 20} { // more than INTAKE takes, more than the server
		sub, err := SignBytes(ledger.Bawaslu, bytes.Repeat([]byte("x"), size), s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Submit(within(t, time.Minute), sub); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// What was under way when the server went down is sent again when it is back.
func TestSubmitThroughRestart(t *testing.T) {
	key, verifier := receiptKeys(t)
	server, err := local.StartNATS(local.NATSConfig{Dir: t.TempDir(), Open: true, Log: testkit.Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	url := server.ClientURL()
	r := newRegistrar(t, url, key)
	r.intake(ledger.Bawaslu, -1)
	c := dial(t, url, ledger.Bawaslu, verifier, time.Minute)
	s := signer(t, "bawaslu/2026a")
	errs := make(chan error)
	const n = 50
	submit := func() {
		_, err := c.Submit(within(t, time.Minute), opening(t, s))
		errs <- err
	}
	for range n {
		go submit()
	}
	for r.stored(t) < n {
		if t.Context().Err() != nil {
			t.Fatal("the submissions did not arrive")
		}
	}
	port := portOf(t, url)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	go submit() // while there is no server
	// The directory is another one: with the server went what waited in INTAKE.
	server, err = local.StartNATS(local.NATSConfig{Dir: t.TempDir(), Port: port, Open: true, Log: testkit.Log(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		r.conn.Close()
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	await(t, r.connected)
	r.intake(ledger.Bawaslu, -1)
	r.work(ledger.Bawaslu)
	for range n + 1 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := len(r.admitted()); got != n+1 {
		t.Errorf("%d records, want %d", got, n+1)
	}
}

func TestDialErrors(t *testing.T) {
	_, verifier := receiptKeys(t)
	good := Config{URL: "nats://127.0.0.1:1", Agency: ledger.Bawaslu, Origin: origin, Receipts: verifier}
	if _, err := Dial(t.Context(), good); !errors.Is(err, ErrUnreachable) {
		t.Errorf("nobody listens: %v", err)
	}
	for name, spoil := range map[string]func(*Config){
		"URL":         func(c *Config) { c.URL = "" },
		"agency":      func(c *Config) { c.Agency = "Bawaslu" },
		"origin":      func(c *Config) { c.Origin = "https://x" },
		"receipt key": func(c *Config) { c.Receipts = nil },
		"not both":    func(c *Config) { c.SeedFile, c.Credentials = "a", "b" },
		"seed file":   func(c *Config) { c.SeedFile = filepath.Join(t.TempDir(), "none") },
	} {
		c := good
		spoil(&c)
		if _, err := Dial(t.Context(), c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// accounts is a server's configuration in the manner of a ledger's: the
// registrar with JetStream in one account, the agency in its own, into which its
// intake and its receipts are imported. publish is what the agency may.
func accounts(registrarKey, agencyKey, publish string) string {
	return fmt.Sprintf(`accounts {
  "BERKAS" {
    jetstream: enabled
    users: [{nkey: %s}]
    exports: [
      {service: "intake.bawaslu", accounts: ["agency-bawaslu"]}
      {stream: "receipt.bawaslu.>", accounts: ["agency-bawaslu"]}
    ]
  }
  "agency-bawaslu" {
    users: [{nkey: %s, permissions: {publish: {%s}, subscribe: {allow: ["receipt.bawaslu.>", "_INBOX.bawaslu.>"]}}}]
    imports: [
      {service: {account: "BERKAS", subject: "intake.bawaslu"}}
      {stream: {account: "BERKAS", subject: "receipt.bawaslu.>"}}
    ]
  }
}`, registrarKey, agencyKey, publish)
}

const mayPublish = `allow: ["intake.bawaslu"]`

// An agency needs its row of the table of rights and no more, across accounts.
func TestRights(t *testing.T) {
	key, verifier := receiptKeys(t)
	registrarSeed, registrarKey := nkey(t)
	bawasluSeed, bawasluKey := nkey(t)
	strangerSeed, _ := nkey(t)
	n := testkit.NATS(t, accounts(registrarKey, bawasluKey, mayPublish))
	r := newRegistrarWith(t, n.ClientURL(), key, registrarSeed)
	r.intake(ledger.Bawaslu, 16<<10)

	config := Config{URL: n.ClientURL(), SeedFile: bawasluSeed, Agency: ledger.Bawaslu, Origin: origin, Receipts: verifier, Patience: time.Minute}
	c, err := Dial(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	turned := watchTurns(c)
	s := signer(t, "bawaslu/2026a")
	errs := make(chan error)
	const many = 40 // more than there is room for
	for range many {
		go func() {
			_, err := c.Submit(within(t, 50*time.Second), opening(t, s))
			errs <- err
		}()
	}
	await(t, turned)
	r.work(ledger.Bawaslu)
	for range many {
		if err := <-errs; err != nil {
			t.Errorf("with the rights of the table: %v", err)
		}
	}
	sub := opening(t, s)
	sub.Agency = ledger.KASN
	if _, err := c.Submit(within(t, time.Minute), sub); !errors.Is(err, ErrDenied) {
		t.Errorf("in another's name: %v", err)
	}

	config.Agency = ledger.KASN // with Bawaslu's credentials
	if _, err := Dial(t.Context(), config); !errors.Is(err, ErrDenied) {
		t.Errorf("listening for another's receipts: %v", err)
	}
	config.Agency, config.SeedFile = ledger.Bawaslu, strangerSeed
	if _, err := Dial(t.Context(), config); !errors.Is(err, ErrDenied) {
		t.Errorf("a stranger: %v", err)
	}
}

// Who may listen but not publish hears of it at once, not by a timeout.
func TestSubmitDenied(t *testing.T) {
	_, verifier := receiptKeys(t)
	_, registrarKey := nkey(t)
	seed, public := nkey(t)
	n := testkit.NATS(t, accounts(registrarKey, public, `deny: [">"]`))
	c, err := Dial(t.Context(), Config{URL: n.ClientURL(), SeedFile: seed, Agency: ledger.Bawaslu, Origin: origin, Receipts: verifier, Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Submit(within(t, 50*time.Second), opening(t, signer(t, "bawaslu/2026a"))); !errors.Is(err, ErrDenied) {
		t.Errorf("Submit: %v", err)
	}
}

// An intake that is missing is heard of across accounts too.
func TestSubmitWithoutIntakeAcrossAccounts(t *testing.T) {
	_, verifier := receiptKeys(t)
	_, registrarKey := nkey(t)
	seed, public := nkey(t)
	n := testkit.NATS(t, accounts(registrarKey, public, mayPublish))
	c, err := Dial(t.Context(), Config{URL: n.ClientURL(), SeedFile: seed, Agency: ledger.Bawaslu, Origin: origin, Receipts: verifier, Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	turned := watchTurns(c)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := c.Submit(ctx, opening(t, signer(t, "bawaslu/2026a")))
		done <- err
	}()
	await(t, turned)
	cancel()
	if err := <-done; !errors.Is(err, ErrNoIntake) {
		t.Errorf("Submit: %v", err)
	}
}

func TestCloseEndsWaiting(t *testing.T) {
	key, verifier := receiptKeys(t)
	r := newRegistrar(t, testkit.NATS(t).ClientURL(), key)
	r.intake(ledger.Bawaslu, -1)
	c := dial(t, r.conn.ConnectedUrl(), ledger.Bawaslu, verifier, time.Minute)
	done := make(chan error)
	go func() {
		_, err := c.Submit(t.Context(), opening(t, signer(t, "bawaslu/2026a")))
		done <- err
	}()
	for r.stored(t) == 0 {
		if t.Context().Err() != nil {
			t.Fatal("the submission did not arrive")
		}
	}
	c.Close()
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("Submit: %v", err)
	}
}

// nkey makes a user's key pair and keeps its seed in a file.
func nkey(t testing.TB) (seedFile, public string) {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	if public, err = pair.PublicKey(); err != nil {
		t.Fatal(err)
	}
	seedFile = filepath.Join(t.TempDir(), "user.nk")
	if err := os.WriteFile(seedFile, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	return seedFile, public
}
