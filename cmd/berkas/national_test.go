package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/agencies"
	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// TestStoppedProjectionsAreSaid: figures of projections that stopped come with a
// warning, or they would pass for today's.
func TestStoppedProjectionsAreSaid(t *testing.T) {
	url := testkit.DB(t)
	gap := func(_ context.Context, _ ledger.Position, yield func([]ledger.Record) error) error {
		return yield([]ledger.Record{{Position: 2, Subject: ledger.SubjectRoster}})
	}
	var broken *ledger.ErrBroken
	if err := projections.NewProjector(projections.Config{URL: url}).Run(t.Context(), gap); !errors.As(err, &broken) {
		t.Fatalf("a gap did not stop the projections: %v", err)
	}
	said, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = said
	r, err := (&options{database: url}).reader(t.Context())
	os.Stderr = stderr
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	text, err := os.ReadFile(said.Name())
	if err != nil || !strings.Contains(string(text), "the projections stopped") {
		t.Errorf("nothing was said: %q, %v", text, err)
	}
}

// TestFiguresWaitForReceiptsThatLeft: who holds a receipt finds its event in the
// figures, even while LEDGER has not got the record yet. A stand-in for the
// running ledger's HTTP server says so of a record that is then submitted.
func TestFiguresWaitForReceiptsThatLeft(t *testing.T) {
	h := background(t, folder(t), "is running", "dev")
	r, ok := h.found()
	if !ok {
		t.Fatal("nothing is running")
	}
	o := &options{data: h.dir}
	receipt := submitContest(t, o, "pilkada-2020")
	head, err := askPosition(t.Context(), r.HTTP)
	if err != nil || head < receipt {
		t.Fatalf("/readyz says %d, %v; a receipt for %d has left", head, err, receipt)
	}
	asked := make(chan struct{}, 10)
	ahead := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable) // a part that fails does not matter here
		_, _ = fmt.Fprintf(w, `{"ready":false,"position":%d}`, head+1)
		asked <- struct{}{}
	}))
	defer ahead.Close()
	r.HTTP = ahead.URL
	if err := h.announce(r); err != nil {
		t.Fatal(err)
	}
	type answer struct {
		position ledger.Position
		err      error
	}
	got := make(chan answer, 1)
	go func() {
		reader, err := o.reader(t.Context())
		if err != nil {
			got <- answer{0, err}
			return
		}
		defer reader.Close()
		p, err := reader.Progress(t.Context())
		got <- answer{p.Position, err}
	}()
	select {
	case <-asked:
	case a := <-got:
		t.Fatalf("figures as of %d came without asking what the registrar has recorded (%v)", a.position, a.err)
	}
	submitContest(t, o, "pilkada-2024")
	if a := <-got; a.err != nil || a.position <= head {
		t.Errorf("figures are of position %d (%v), and a receipt for %d has left", a.position, a.err, head+1)
	}
}

// submitContest publishes a contest as Bawaslu and gives its position.
func submitContest(t *testing.T, o *options, id string) ledger.Position {
	t.Helper()
	s, err := o.submitter()
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.home.signer("bawaslu/event")
	if err != nil {
		t.Fatal(err)
	}
	draft, err := agencies.NewBawaslu(agencies.Office{Origin: s.genesis.Origin}).PublishContest(time.Now(), ledger.Contest{
		ID: id, Kind: "pilkada", Voting: "2020-12-09", Determination: "2020-09-23", Doubt: ledger.DoubtNone,
	})
	if err != nil {
		t.Fatal(err)
	}
	submission, err := agencies.Sign(ledger.Bawaslu, draft, key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := s.dial(t.Context(), ledger.Bawaslu)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	receipt, err := client.Submit(t.Context(), submission)
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Position
}
