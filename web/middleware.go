package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"
)

// policy forbids whatever a page does not need. Nothing comes from elsewhere,
// nothing is inline.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secure sets the headers of every answer.
func secure(next http.Handler, demo string, tls bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store") // what may be kept says so itself
		if tls {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if demo != "" {
			h.Set("Berkas-Demo", demo)
		}
		next.ServeHTTP(w, r)
	})
}

// trail is what the log says of a request. Paths and queries hold ids of cases,
// so the log has the pattern that was matched, and no address.
type trail struct {
	id     string
	caller string // role and agency of the credential
	code   string // reason code of a problem
}

type trailKey struct{}

func trailOf(ctx context.Context) *trail {
	if t, ok := ctx.Value(trailKey{}).(*trail); ok {
		return t
	}
	return &trail{} // outside a request
}

const headerRequestID = "Request-Id"

// watch numbers a request, logs what became of it, and turns a panic into an
// answer.
func (s *Server) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.Now()
		t := &trail{id: rand.Text()}
		w.Header().Set(headerRequestID, t.id)
		r = r.WithContext(context.WithValue(r.Context(), trailKey{}, t))
		seen := &answered{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				// Not its value, which may quote an event.
				s.Log.Error("panic", "request", t.id, "pattern", r.Pattern, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
				if seen.status != 0 {
					// Half an answer must not pass for a whole one; the server
					// cuts the connection without a word.
					panic(http.ErrAbortHandler)
				}
				s.fail(seen, r, errInternal)
			}
			s.Log.Info("request", "request", t.id, "method", methodOf(r), "pattern", r.Pattern, "status", seen.status,
				"bytes", seen.bytes, "took", s.Now().Sub(began), "caller", t.caller, "code", t.code)
		}()
		next.ServeHTTP(seen, r)
	})
}

// methodOf keeps a stranger's words out of the log.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch:
		return r.Method
	}
	return "other"
}

// answered notes what was answered.
type answered struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (a *answered) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answered) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find the connection.
func (a *answered) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// readyAtOnce bounds who asks at a time whether the program is ready: the answer is short.
const readyAtOnce = 16

// crowd turns requests away when too many are under way. Those who send have places of
// their own, so that whoever reads, however much, keeps no event out; so have strangers,
// who keep no reader out; and no credential has all places of readers. Health is asked by
// whoever decides to start the program anew, and is always answered; whether the program is
// ready by whoever leads requests to it, who has places of his own: strangers who read slowly
// do not take it away from everybody. Streams are counted where they are opened: they last.
func (s *Server) crowd(next http.Handler) http.Handler {
	l := s.Limits
	sending, reading, strangers := newSeats(l.InFlight, l.InFlight), newSeats(l.InFlight, l.InFlightEach), newSeats(l.InFlightStrangers, l.InFlightStrangers)
	asking := newSeats(readyAtOnce, readyAtOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var leave func()
		var err error
		who, unknown := s.callerOf(r)
		switch path := r.URL.Path; {
		case path == "/healthz" || path == livePath || path == streamPath:
			leave = func() {}
		case path == "/readyz":
			leave, err = asking.take(caller{}, errCrowded)
		case r.Method == http.MethodPost && path != "/login" && path != "/logout":
			leave, err = sending.take(caller{open: true}, errCrowded)
		case unknown != nil:
			leave, err = strangers.take(caller{}, errCrowded)
		default:
			leave, err = reading.take(who, errCrowded)
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		defer leave()
		next.ServeHTTP(w, r)
	})
}

// within ends a request's context after the time that an ordinary answer may
// take.
func within(limit time.Duration, r *http.Request) (*http.Request, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	return r.WithContext(ctx), cancel
}
