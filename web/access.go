package web

import (
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"
)

// need is what a page or an operation asks of its reader.
type need int

const (
	needNothing need = iota
	needFigures      // any credential: national figures are not for the public yet
	needCases        // an agency's or an auditor's
)

// caller is who reads.
type caller struct {
	token Token
	open  bool // everybody may read here
}

func (c caller) String() string {
	if c.open {
		return "open"
	}
	return strings.TrimSuffix(string(c.token.Reader)+" "+string(c.token.Agency), " ")
}

// allow finds out who asks and whether he may.
func (s *Server) allow(r *http.Request, n need) error {
	if n == needNothing {
		return nil
	}
	c, err := s.callerOf(r)
	if err != nil {
		return err
	}
	trailOf(r.Context()).caller = c.String()
	if !c.open && (c.token.Reader == ReaderCalendar || n == needCases && c.token.Reader == ReaderDashboard) {
		return errTooWeak
	}
	return nil
}

func (s *Server) callerOf(r *http.Request) (caller, error) {
	if s.Open {
		return caller{open: true}, nil
	}
	if values := r.Header.Values("Authorization"); len(values) > 0 {
		scheme, secret, _ := strings.Cut(values[0], " ")
		if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") {
			return caller{}, errUnknownCredential
		}
		t, ok := s.Tokens.find(secret)
		if !ok {
			return caller{}, errUnknownCredential
		}
		return caller{token: t}, nil
	}
	if c, err := r.Cookie(s.sessionCookie()); err == nil {
		if t, ok := s.sessions.find(c.Value, s.Now()); ok {
			return caller{token: t}, nil
		}
	}
	return caller{}, errNoCredential
}

// Sessions end after a working day, and with the program.
const (
	sessionLife = 10 * time.Hour
	maxSessions = 4096
	// maxOfToken keeps whoever holds one token from taking everybody's places.
	maxOfToken = 64
)

// sessions are people who have logged in with a token in their browsers.
type sessions struct {
	mu   sync.Mutex
	byID map[string]session
}

type session struct {
	token Token
	until time.Time
}

// open begins a session; ok is false when there are too many.
func (s *sessions) open(t Token, now time.Time) (id string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.makeRoom(t)
	if len(s.byID) >= maxSessions {
		for id, old := range s.byID {
			if now.After(old.until) {
				delete(s.byID, id)
			}
		}
		if len(s.byID) >= maxSessions {
			return "", false
		}
	}
	id = rand.Text()
	s.byID[id] = session{t, now.Add(sessionLife)}
	return id, true
}

// makeRoom ends the oldest session of a token that has as many as it may; s.mu is
// held.
func (s *sessions) makeRoom(t Token) {
	oldest, n := "", 0
	for id, other := range s.byID {
		if other.token.Hash != t.Hash {
			continue
		}
		if n++; oldest == "" || other.until.Before(s.byID[oldest].until) {
			oldest = id
		}
	}
	if n >= maxOfToken {
		delete(s.byID, oldest)
	}
}

func (s *sessions) find(id string, now time.Time) (Token, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.byID[id]
	if !ok || now.After(found.until) {
		delete(s.byID, id)
		return Token{}, false
	}
	return found.token, true
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

// sessionCookie: with the prefix a browser takes it over TLS only, and from this
// very host.
func (s *Server) sessionCookie() string {
	if s.SecureCookies {
		return "__Host-berkas"
	}
	return "berkas"
}

func (s *Server) setSession(w http.ResponseWriter, id string, life time.Duration) {
	c := &http.Cookie{
		Name: s.sessionCookie(), Value: id, Path: "/", MaxAge: int(life.Seconds()),
		HttpOnly: true, Secure: s.SecureCookies, SameSite: http.SameSiteStrictMode,
	}
	if life <= 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

type loginForm struct{ Wrong bool }

func (s *Server) showLogin(*http.Request) (view, error) {
	return view{Template: "login", Title: text{"Masuk", "Log in"}, Data: loginForm{}}, nil
}

// login turns a token into a session.
func (s *Server) login(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
	if err := r.ParseForm(); err != nil {
		return errBadForm
	}
	t, ok := s.Tokens.find(strings.TrimSpace(r.PostForm.Get("token")))
	if !ok {
		return s.render(w, r, view{Template: "login", Title: text{"Masuk", "Log in"}, Data: loginForm{Wrong: true}, Status: http.StatusUnauthorized})
	}
	id, ok := s.sessions.open(t, s.Now())
	if !ok {
		return errCrowded
	}
	s.setSession(w, id, sessionLife)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	if c, err := r.Cookie(s.sessionCookie()); err == nil {
		s.sessions.end(c.Value)
	}
	s.setSession(w, "", 0)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return nil
}
