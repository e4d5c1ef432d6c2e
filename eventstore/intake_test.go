package eventstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/berkas-ledger/berkas/ledger"
)

// submit puts messages into an agency's INTAKE and waits until they are there.
func (s *testServer) submit(tb testing.TB, a ledger.AgencyID, bodies ...string) {
	tb.Helper()
	c := s.connect(tb, User{Role: RoleAgency, Name: string(a)})
	defer c.Close()
	inbox, err := c.SubscribeSync(c.NewInbox())
	check(tb, err)
	for _, b := range bodies {
		check(tb, c.PublishMsg(&nats.Msg{
			Subject: "intake." + string(a), Reply: inbox.Subject, Data: []byte(b),
			Header: nats.Header{ledger.HeaderContentType: {ledger.ContentType}, ledger.HeaderSignature: {"one", "two"}},
		}))
	}
	for range bodies {
		m, err := inbox.NextMsg(requestTimeout)
		check(tb, err)
		if string(m.Data[:10]) != `{"stream":` {
			tb.Fatalf("intake answers %s", m.Data)
		}
	}
}

func numbered(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s-%d", prefix, i)
	}
	return out
}

func (n *node) intake(tb testing.TB, s *Store, agencies ...ledger.AgencyID) *Intake {
	tb.Helper()
	in, err := s.Intake(tb.Context(), agencies...)
	check(tb, err)
	tb.Cleanup(func() { check(tb, in.Close()) })
	return in
}

// next takes until it has so many.
func next(tb testing.TB, in *Intake, n int) []Message {
	tb.Helper()
	var out []Message
	for len(out) < n {
		got, err := in.Next(tb.Context(), n-len(out))
		check(tb, err)
		out = append(out, got...)
	}
	return out
}

func bodies(list []Message, of ledger.AgencyID) []string {
	var out []string
	for _, m := range list {
		if m.Agency == of {
			out = append(out, string(m.Body))
		}
	}
	return out
}

func TestIntakeTakesInOrderAndRemovesWhatIsAcknowledged(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	in := n.intake(t, s, ledger.Bawaslu, ledger.KASN)
	want := numbered("b", 2500)
	n.server.submit(t, ledger.Bawaslu, want...)
	n.server.submit(t, ledger.KASN, "k-0")
	got := next(t, in, 2501)
	if !slices.Equal(bodies(got, ledger.Bawaslu), want) || !slices.Equal(bodies(got, ledger.KASN), []string{"k-0"}) {
		t.Fatalf("took %d messages in another order", len(got))
	}
	for _, m := range got {
		if len(m.Header) != 2 || !slices.Equal(m.Header[ledger.HeaderSignature], []string{"one", "two"}) {
			t.Fatalf("header is %v", m.Header)
		}
		m.Ack()
	}
	check(t, s.Flush())
	c := n.server.connect(t, User{Role: RoleProvision})
	for _, stream := range []string{"INTAKE-bawaslu", "INTAKE-kasn"} {
		eventually(t, stream+" is empty", func() bool {
			var info streamInfo
			check(t, ask(t.Context(), c, "STREAM.INFO."+stream, nil, &info))
			return info.State.Msgs == 0
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := in.Next(ctx, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("next of an empty intake: %d messages, %v", len(got), err)
	}
}

func TestIntakeFloodWaitsAlone(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	n.server.submit(t, ledger.Bawaslu, numbered("b", 3000)...)
	n.server.submit(t, ledger.KASN, numbered("k", 30)...)
	in := n.intake(t, s, ledger.Bawaslu, ledger.KASN)
	eventually(t, "both have messages here", func() bool {
		in.mu.Lock()
		defer in.mu.Unlock()
		return len(in.lines[0].waiting) >= 500 && len(in.lines[1].waiting) == 30
	})
	got, err := in.Next(t.Context(), 40)
	check(t, err)
	if b, k := len(bodies(got, ledger.Bawaslu)), len(bodies(got, ledger.KASN)); b != 20 || k != 20 {
		t.Errorf("a batch of 40 has %d of bawaslu and %d of kasn", b, k)
	}
	got, err = in.Next(t.Context(), 100)
	check(t, err)
	if b, k := len(bodies(got, ledger.Bawaslu)), len(bodies(got, ledger.KASN)); b != 90 || k != 10 {
		t.Errorf("a batch of 100 has %d of bawaslu and %d of kasn", b, k)
	}
	// Memory is bounded while nobody takes.
	in.mu.Lock()
	defer in.mu.Unlock()
	if n := len(in.lines[0].waiting); n > 2*MaxBatch {
		t.Errorf("%d messages are held of one agency", n)
	}
}

func TestIntakeGivesAgainWhatWasNotAcknowledged(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	in := n.intake(t, s, ledger.Bawaslu)
	n.server.submit(t, ledger.Bawaslu, numbered("b", 10)...)
	for i, m := range next(t, in, 10) {
		if i%2 == 0 {
			m.Ack()
		}
	}
	check(t, in.Close())
	if _, err := in.Next(t.Context(), 1); !errors.Is(err, ErrClosed) {
		t.Errorf("next of a closed intake: %v", err)
	}
	check(t, s.Close()) // as if the process ended
	s = n.open(t)
	again := next(t, n.intake(t, s, ledger.Bawaslu), 5)
	if got := bodies(again, ledger.Bawaslu); !slices.Equal(got, []string{"b-1", "b-3", "b-5", "b-7", "b-9"}) {
		t.Errorf("came again: %v", got)
	}
}

func TestIntakeSurvivesAServer(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	in := n.intake(t, s, ledger.Bawaslu)
	n.server.submit(t, ledger.Bawaslu, "before")
	for _, m := range next(t, in, 1) {
		m.Ack()
	}
	check(t, flush(t.Context(), s.conn.Conn))
	n.server.stop()
	if err := s.Flush(); err == nil {
		eventually(t, "the loss is noticed", func() bool { return s.Flush() != nil })
	}
	n.server.restart(t)
	n.server.submit(t, ledger.Bawaslu, "after")
	got := next(t, in, 1)
	if string(got[0].Body) != "after" {
		t.Errorf("took %q", got[0].Body)
	}
}

func TestIntakeAddAgency(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	in := n.intake(t, s)
	for _, a := range []ledger.AgencyID{ledger.BKN, "nobody"} {
		if err := in.AddAgency(t.Context(), a); !errors.Is(err, ErrNotProvisioned) {
			t.Errorf("%s, not provisioned: %v", a, err)
		}
	}
	if err := in.AddAgency(t.Context(), "*"); err == nil {
		t.Error("a wildcard was taken for an agency")
	}
	taken := make(chan []Message)
	go func() {
		got, err := in.Next(t.Context(), 10)
		if err != nil {
			t.Error(err)
		}
		taken <- got
	}()
	p := n.server.provisioning(t, n.journal)
	p.Agencies = append(p.Agencies, ledger.BKN)
	check(t, Provision(t.Context(), p))
	check(t, in.AddAgency(t.Context(), ledger.BKN))
	check(t, in.AddAgency(t.Context(), ledger.BKN))
	n.server.submit(t, ledger.BKN, "first")
	if got := <-taken; len(got) != 1 || got[0].Agency != ledger.BKN || string(got[0].Body) != "first" {
		t.Errorf("took %v", got)
	}
}

func TestIntakeIsFullAndSaysSo(t *testing.T) {
	n := newNode(t)
	p := n.server.provisioning(t, n.journal)
	p.Agencies, p.IntakeBytes = []ledger.AgencyID{ledger.BKN}, maxMessage
	check(t, Provision(t.Context(), p))
	c := n.server.connect(t, User{Role: RoleAgency, Name: "bkn"})
	var refused *nats.Msg
	for range 10 {
		m, err := c.Request("intake.bkn", make([]byte, 20000), requestTimeout)
		check(t, err)
		refused = m
	}
	var a pubAck
	if _, err := readAck(refused); err == nil || !isCode(err, 10077) {
		t.Errorf("a full intake says %s (%v)", refused.Data, a)
	}
	m, err := c.Request("intake.bkn", make([]byte, maxMessage+1), requestTimeout)
	check(t, err)
	if _, err := readAck(m); !isCode(err, 10054) {
		t.Errorf("too large a message: %v", err)
	}
}

func TestReceiptsReachTheirAgency(t *testing.T) {
	n := newNode(t)
	s := n.open(t)
	c := n.server.connect(t, User{Role: RoleAgency, Name: "kasn"})
	sub, err := c.SubscribeSync("receipt.kasn.>")
	check(t, err)
	check(t, flush(t.Context(), c))
	sum := ledger.HashLeaf([]byte("x"))
	check(t, s.SendReceipt(ledger.BKN, sum, []byte("another's")))
	check(t, s.SendReceipt(ledger.KASN, sum, []byte("receipt")))
	check(t, s.Flush())
	m, err := sub.NextMsg(requestTimeout)
	check(t, err)
	if m.Subject != "receipt.kasn."+sum.String() || string(m.Data) != "receipt" {
		t.Errorf("heard %s %q", m.Subject, m.Data)
	}
	if err := s.SendReceipt("kasn.>", sum, nil); err == nil {
		t.Error("a receipt was sent to a wildcard")
	}
}
