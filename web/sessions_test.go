package web

import (
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// TestSessionsOfOneToken: whoever has one token ends his own oldest session, and
// shuts nobody out.
func TestSessionsOfOneToken(t *testing.T) {
	s := sessions{byID: map[string]session{}}
	mine, other := Token{Name: "mine", Hash: ledger.Hash{1}}, Token{Name: "other", Hash: ledger.Hash{2}}
	now := time.Date(2020, 6, 15, 3, 0, 0, 0, time.UTC)
	theirs, _ := s.open(other, now)
	first, _ := s.open(mine, now.Add(time.Second))
	var last string
	for i := range maxSessions {
		var ok bool
		if last, ok = s.open(mine, now.Add(time.Minute+time.Duration(i)*time.Millisecond)); !ok {
			t.Fatalf("login %d is refused", i)
		}
	}
	if _, ok := s.open(other, now.Add(time.Hour)); !ok {
		t.Error("somebody else cannot log in any more")
	}
	for id, want := range map[string]bool{theirs: true, first: false, last: true} {
		if _, ok := s.find(id, now.Add(time.Hour)); ok != want {
			t.Errorf("a session is there: %v, want %v", ok, want)
		}
	}
}
