package transparency

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	httpTries   = 4
	httpTimeout = 30 * time.Second // of one try
	httpWait    = 200 * time.Millisecond
)

// HTTPFetch reads a log from its address, for instance "https://ledger.example".
// A token, for the entries, goes to that address only, and in clear only to a
// loopback one; redirects elsewhere are refused. Answers of 5xx and 429, and
// broken connections, are asked for again a few times. A nil client is a plain
// one.
func HTTPFetch(base, token string, client *http.Client) (Fetch, error) {
	u, err := url.Parse(strings.TrimSuffix(base, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the address of a log is http(s)://host[:port][/path], not %q", base)
	}
	if token != "" && u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, fmt.Errorf("a token would go to %s in clear; use https", u.Host)
	}
	if client == nil {
		client = &http.Client{Timeout: httpTimeout}
	}
	own := *client
	own.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Scheme != u.Scheme || r.URL.Host != u.Host {
			return fmt.Errorf("%w, %s", errElsewhere, r.URL.Host)
		}
		if len(via) >= 5 {
			return errors.New("too many redirects")
		}
		return nil
	}
	h := httpLog{u, token, &own}
	return h.fetch, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

type httpLog struct {
	base   *url.URL
	token  string
	client *http.Client
}

// errAgain is a failure that may pass.
type errAgain struct{ error }

// errElsewhere is a redirect that is not followed.
var errElsewhere = errors.New("the log's server redirects to another address")

func (e errAgain) Unwrap() error { return e.error }

func (h httpLog) fetch(ctx context.Context, path string) ([]byte, error) {
	if !fs.ValidPath(path) {
		return nil, fmt.Errorf("%q is not the path of a file of a log", path)
	}
	wait := httpWait
	for try := 1; ; try++ {
		raw, err := h.once(ctx, path)
		var again errAgain
		if err == nil || !errors.As(err, &again) || try == httpTries || ctx.Err() != nil {
			return raw, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, errors.Join(context.Cause(ctx), err)
		case <-timer.C:
		}
		wait *= 2
	}
}

func (h httpLog) once(ctx context.Context, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base.JoinPath(path).String(), nil)
	if err != nil {
		return nil, err
	}
	if h.token != "" {
		r.Header.Set("Authorization", "Bearer "+h.token)
	}
	answer, err := h.client.Do(r)
	if errors.Is(err, errElsewhere) {
		return nil, err
	}
	if err != nil {
		return nil, errAgain{err}
	}
	defer answer.Body.Close()
	at := r.URL.Redacted()
	switch code := answer.StatusCode; {
	case code == http.StatusOK:
		raw, err := readBounded(answer.Body, path)
		if err != nil && len(raw) <= maxFile(path) {
			err = errAgain{err} // the connection broke
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		return raw, nil
	case code == http.StatusNotFound || code == http.StatusGone:
		return nil, fmt.Errorf("%s: %w", at, fs.ErrNotExist)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return nil, fmt.Errorf("%s answers %d: entries need the token of an auditor or an agency: %w", at, code, fs.ErrPermission)
	case code >= 500 || code == http.StatusTooManyRequests:
		return nil, errAgain{fmt.Errorf("%s answers %d", at, code)}
	default:
		return nil, fmt.Errorf("%s answers %d", at, code)
	}
}
