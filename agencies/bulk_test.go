package agencies

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// pair is a registrar that takes in from Bawaslu and KASN, and their clients.
func pair(t *testing.T) (*registrar, Clients) {
	t.Helper()
	key, verifier := receiptKeys(t)
	r := newRegistrar(t, testkit.NATS(t).ClientURL(), key)
	clients := Clients{}
	for _, a := range []ledger.AgencyID{ledger.Bawaslu, ledger.KASN} {
		r.intake(a, -1)
		clients[a] = dial(t, r.conn.ConnectedUrl(), a, verifier, 200*time.Millisecond)
	}
	return r, clients
}

// history is the events of n cases in which Bawaslu and KASN take turns, four of
// each, all cases abreast; after the first two of each comes a roster event.
func history(t *testing.T, n int) (subs []ledger.Submission, contest string) {
	t.Helper()
	office := Office{Origin: origin}
	bawaslu, kasn := signer(t, "bawaslu/2026a"), signer(t, "kasn/2026a")
	b, k := NewBawaslu(office), NewKASN(office)
	say := func(agency ledger.AgencyID, s Signer) func(Draft, error) {
		return func(d Draft, err error) {
			if err != nil {
				t.Fatal(err)
			}
			subs = append(subs, sign(t, agency, d, s))
		}
	}
	cases := make([]string, n)
	for i := range cases {
		cases[i] = newID(t)
		say(ledger.Bawaslu, bawaslu)(b.OpenCase(cases[i], happened, caseOpened()))
	}
	for _, id := range cases {
		say(ledger.Bawaslu, bawaslu)(b.Forward(id, happened, ledger.CaseForwarded{
			To: ledger.KASN, Letter: ledger.Letter{Number: "1/K.BAWASLU/2020", Date: "2020-10-04"},
		}))
	}
	say(ledger.Bawaslu, bawaslu)(b.PublishContest(happened, ledger.Contest{
		ID: "pilkada-2020", Kind: "pilkada", Voting: "2020-12-09", Determination: "2020-09-23", Doubt: ledger.DoubtUnsure,
	}))
	contest = idOf(t, subs[len(subs)-1])
	for _, id := range cases {
		say(ledger.KASN, kasn)(k.Receive(id, happened, ledger.CaseReceived{From: ledger.Bawaslu}))
	}
	for _, id := range cases {
		say(ledger.Bawaslu, bawaslu)(b.Receive(id, happened, ledger.CaseReceived{From: ledger.KASN}))
	}
	return subs, contest
}

func TestSubmitAllKeepsTheOrderOfEachCase(t *testing.T) {
	for _, window := range []int{1, 7, 5000} {
		r, clients := pair(t)
		r.answer = func(times int, subject string, receipt []byte) {
			if subject[len(subject)-1] != 'a' || times > 1 { // one of sixteen is lost once
				r.send(subject, receipt)
			}
		}
		r.work(ledger.Bawaslu)
		r.work(ledger.KASN)
		n := 20
		if window > 100 {
			n = 200
		}
		subs, contest := history(t, n)
		seen := make([]bool, len(subs))
		for res := range clients.SubmitAll(within(t, time.Minute), slices.Values(subs), window) {
			if res.Err != nil {
				t.Fatal(res.Err)
			}
			if seen[res.Index] || res.Receipt.Sum != subs[res.Index].Sum() || res.Note == nil {
				t.Errorf("result %+v", res)
			}
			seen[res.Index] = true
		}
		if i := slices.Index(seen, false); i >= 0 {
			t.Errorf("no result for submission %d", i)
		}
		checkOrder(t, r, subs, contest, n)
	}
}

// checkOrder: each case's events stand in the order given, and the contest
// between the first two and the last two of all.
func checkOrder(t *testing.T, r *registrar, subs []ledger.Submission, contest string, n int) {
	t.Helper()
	given := map[string]int{}
	for i, s := range subs {
		given[idOf(t, s)] = i
	}
	last := map[string]int{}
	records := r.recorded()
	for at, e := range records {
		if e.Kind == ledger.ContestPublishedKind {
			continue
		}
		if i := given[e.ID]; i < last[e.Subject] {
			t.Errorf("event %d of case %s came after %d", i, e.Subject, last[e.Subject])
		}
		last[e.Subject] = given[e.ID]
		if before := given[e.ID] < 2*n; before != (at < 2*n) {
			t.Errorf("event %d stands at place %d, on the wrong side of the roster event", given[e.ID], at)
		}
	}
	if len(records) != len(subs) || records[2*n].ID != contest {
		t.Errorf("%d records, want %d, the roster event in the middle", len(records), len(subs))
	}
}

func TestSubmitAllHoldsBackWhatFollowsARefusal(t *testing.T) {
	r, clients := pair(t)
	subs, _ := history(t, 10)
	refused := idOf(t, subs[10]) // the second event of the first case
	r.refuse = func(e ledger.Event) bool { return e.ID == refused }
	r.work(ledger.Bawaslu)
	r.work(ledger.KASN)
	var results [3]int
	for res := range clients.SubmitAll(within(t, time.Minute), slices.Values(subs), 100) {
		var no *RefusedError
		switch {
		case res.Err == nil:
			results[0]++
		case errors.As(res.Err, &no):
			results[1]++
			if res.Index != 10 || res.Receipt.Outcome != ledger.Refused || res.Note == nil {
				t.Errorf("result %+v", res)
			}
		case errors.Is(res.Err, ErrHeldBack):
			results[2]++
		default:
			t.Errorf("result %+v", res)
		}
	}
	if want := [3]int{len(subs) - 3, 1, 2}; results != want {
		t.Errorf("admitted, refused, held back: %v, want %v", results, want)
	}
	if got := len(r.admitted()); got != len(subs)-3 {
		t.Errorf("%d records", got)
	}
}

func TestSubmitAllEnds(t *testing.T) {
	r, clients := pair(t)
	subs, _ := history(t, 10)
	delete(clients, ledger.KASN)
	r.work(ledger.Bawaslu)
	denied := 0
	for res := range clients.SubmitAll(within(t, time.Minute), slices.Values(subs), 100) {
		if errors.Is(res.Err, ErrDenied) {
			denied++
		}
	}
	if denied != 10 {
		t.Errorf("%d of 10 were denied for want of a connection", denied)
	}

	more, _ := history(t, 10)
	for range clients.SubmitAll(within(t, time.Minute), slices.Values(more), 3) {
		break // and nothing is left running, as TestMain sees
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	taken := 0
	endless := func(yield func(ledger.Submission) bool) {
		for i := 0; ; i++ {
			taken++
			if !yield(more[i%10]) {
				return
			}
		}
	}
	for res := range clients.SubmitAll(ctx, endless, 3) {
		if res.Index == 5 {
			cancel()
		}
	}
	if taken > 20 {
		t.Errorf("%d were taken after the context had ended", taken)
	}
}
