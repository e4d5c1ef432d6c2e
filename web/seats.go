package web

import (
	"net/http"
	"sync"
)

// seats bounds what is under way at a time, in all and of one credential, so that no
// reader keeps the others out. Give back what take gives.
type seats struct {
	most, each int
	mu         sync.Mutex
	taken      int
	of         map[string]int // by credential
}

func newSeats(most, each int) *seats { return &seats{most: most, each: each, of: map[string]int{}} }

// errOwnPlaces says that others still have places.
var errOwnPlaces = problem(http.StatusTooManyRequests, "credential-crowded", text{
	"Kredensial ini sudah memakai semua tempat yang boleh dipakainya sekaligus. Coba lagi sebentar.",
	"This credential has taken as many places at a time as one may. Try again in a moment.",
}).again(2)

// take gives a place to a caller, or says which bound is in the way: full, or that of
// one credential. A server that is open to everybody knows no credentials.
func (p *seats) take(who caller, full *Problem) (leave func(), err error) {
	key, each := string(who.token.Hash[:]), p.each
	if who.open || who.token == (Token{}) {
		key, each = "", p.most
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.of[key] >= each && each < p.most:
		return nil, errOwnPlaces
	case p.taken >= p.most:
		return nil, full
	}
	p.taken++
	p.of[key]++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.taken--
		if p.of[key]--; p.of[key] == 0 {
			delete(p.of, key)
		}
	}), nil
}
