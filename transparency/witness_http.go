package transparency

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxAtWork bounds the requests that a witness works on at once; others are
	// told to come again.
	maxAtWork = 64
	// witnessPatience is how long a client may take to send a request, or to take
	// the answer.
	witnessPatience = 10 * time.Second
)

// ServeHTTP answers POST /add-checkpoint, and GET / with the witness's name, key
// and logs.
func (w *Witness) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	a := w.route(out, r)
	h := out.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	out.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(out, a.body) // a caller who has gone hears nothing
	}
}

func (w *Witness) route(out http.ResponseWriter, r *http.Request) answer {
	method := map[string]string{"/add-checkpoint": http.MethodPost, "/": http.MethodGet}[r.URL.Path]
	switch {
	case method == "":
		return refuse(http.StatusNotFound, "a witness has / and /add-checkpoint")
	case r.Method != method && (method != http.MethodGet || r.Method != http.MethodHead):
		out.Header().Set("Allow", method)
		return refuse(http.StatusMethodNotAllowed, "this is asked by %s", method)
	case method == http.MethodGet:
		return answer{http.StatusOK, plainText, w.describe()}
	}
	body, err := io.ReadAll(http.MaxBytesReader(out, r.Body, maxRequest))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return refuse(http.StatusRequestEntityTooLarge, "a request has at most %d bytes", maxRequest)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "the request ended early")
	}
	select {
	case w.slots <- struct{}{}:
		defer func() { <-w.slots }()
	default:
		out.Header().Set("Retry-After", "1")
		return refuse(http.StatusServiceUnavailable, "too many requests at once")
	}
	return w.add(r.Context(), body)
}

// describe says who this is, for people.
func (w *Witness) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "witness %s\nkey     %s\n", w.secret.key.Name(), w.secret.key)
	var origins []string
	for origin := range w.logs {
		origins = append(origins, origin)
	}
	slices.Sort(origins)
	for _, origin := range origins {
		l := w.logs[origin]
		l.mu.Lock()
		fmt.Fprintf(&b, "log     %s: cosigned up to %d records\n", origin, uint64(l.latest.Size))
		l.mu.Unlock()
	}
	return b.String()
}

// Serve answers on a listener until the context ends.
func (w *Witness) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: w, ReadTimeout: witnessPatience, WriteTimeout: witnessPatience, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(w.Log.Handler(), slog.LevelDebug),
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	// What is at work may end: it is short.
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), witnessPatience)
	defer cancel()
	err := server.Shutdown(patience)
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
