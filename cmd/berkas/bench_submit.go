package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/eventstore"
	"github.com/berkas-ledger/berkas/ledger"
)

// hasty submits as agencies do and waits for receipts, but keeps them to verify
// when the clock has stopped: signing and verifying are the agencies' work, on
// machines of their own, and would take the ledger's two cores here.
type hasty struct {
	conns    map[ledger.AgencyID]*nats.Conn
	verifier note.Verifier

	mu       sync.Mutex
	waiting  map[string]chan []byte // by receipt subject
	receipts map[string][]byte
}

func newHasty(h home, url string, g ledger.Genesis, list []ledger.AgencyID) (*hasty, error) {
	verifier, err := note.NewVerifier(g.Receipt)
	if err != nil {
		return nil, err
	}
	s := &hasty{conns: map[ledger.AgencyID]*nats.Conn{}, verifier: verifier, waiting: map[string]chan []byte{}, receipts: map[string][]byte{}}
	for _, a := range list {
		u := eventstore.User{Role: eventstore.RoleAgency, Name: string(a)}
		option, err := nats.NkeyOptionFromSeed(h.seedFile(u))
		if err != nil {
			return nil, err
		}
		c, err := nats.Connect(url, option, nats.CustomInboxPrefix(eventstore.InboxPrefix(u)))
		if err != nil {
			return nil, err
		}
		if _, err := c.Subscribe("receipt."+string(a)+".>", s.hear); err != nil {
			return nil, err
		}
		s.conns[a] = c
	}
	return s, nil
}

func (s *hasty) hear(m *nats.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.waiting[m.Subject]; ok {
		delete(s.waiting, m.Subject)
		s.receipts[m.Subject] = m.Data
		c <- m.Data
	}
}

// submit hands one submission in and waits for its receipt.
func (s *hasty) submit(ctx context.Context, sub ledger.Submission) error {
	subject := ledger.ReceiptSubject(sub.Agency, sub.Sum())
	answer := make(chan []byte, 1)
	s.mu.Lock()
	s.waiting[subject] = answer
	s.mu.Unlock()
	m := &nats.Msg{Subject: "intake." + string(sub.Agency), Header: sub.Header(), Data: sub.Body}
	if err := s.conns[sub.Agency].PublishMsg(m); err != nil {
		return err
	}
	select {
	case <-answer:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// verify opens every receipt that came: each has to be genuine and to admit.
func (s *hasty) verify() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for subject, signed := range s.receipts {
		r, err := ledger.OpenReceipt(signed, s.verifier)
		if err != nil {
			return err
		}
		if r.Outcome != ledger.Admitted || !strings.HasSuffix(subject, r.Sum.String()) {
			return fmt.Errorf("position %d: %s %s", r.Position, r.Outcome, r.Reason)
		}
	}
	if len(s.receipts) == 0 {
		return errors.New("no receipt came")
	}
	clear(s.receipts)
	return nil
}

func (s *hasty) close() {
	for _, c := range s.conns {
		c.Close()
	}
}
