package webhooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// outcome is what became of one attempt.
type outcome struct {
	taken bool
	gone  bool          // 410: never again
	why   string        // of a failure, a few words that quote neither side
	wait  time.Duration // what the receiver asks for (Retry-After); 0: nothing
}

// longestWait bounds what a receiver may ask for.
const longestWait = 24 * time.Hour

// attempt sends a message once. What counts is the status: nothing of the answer's
// body is used.
func attempt(ctx context.Context, c *http.Client, e *Endpoint, m Message, now time.Time) outcome {
	signature, err := e.signatures(m, now)
	if err != nil {
		return outcome{why: "the secret cannot be read"}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(m.Body))
	if err != nil {
		return outcome{why: "the address cannot be read"}
	}
	h := r.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Berkas-Webhooks/1")
	h.Set(HeaderID, m.ID)
	h.Set(HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	h.Set(HeaderSignature, signature)
	answer, err := c.Do(r)
	if err != nil {
		return outcome{why: whyNot(err)}
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, maxAnswer) // so that the connection may be used again
	return judge(answer, now)
}

// judge reads the status (Standard Webhooks, "Understanding the response").
func judge(answer *http.Response, now time.Time) outcome {
	s := answer.StatusCode
	switch {
	case s >= 200 && s < 300:
		return outcome{taken: true}
	case s == http.StatusGone:
		return outcome{gone: true, why: "status 410: the receiver wants no more"}
	case s >= 300 && s < 400:
		return outcome{why: fmt.Sprintf("status %d: redirects are not followed", s)}
	case s == http.StatusTooManyRequests, s == http.StatusServiceUnavailable:
		return outcome{why: fmt.Sprintf("status %d", s), wait: retryAfter(answer.Header.Get("Retry-After"), now)}
	}
	return outcome{why: fmt.Sprintf("status %d", s)}
}

// retryAfter reads seconds or a date (RFC 9110, section 10.2.3).
func retryAfter(value string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		wait = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), longestWait)
}

// whyNot says in a few words why there was no answer. The error itself names the
// address, whose path may hold a secret of the receiver's.
func whyNot(err error) string {
	var (
		lookup    *net.DNSError
		timeout   net.Error
		unknown   x509.UnknownAuthorityError
		otherName x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		verify    *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, ErrAddress):
		return "the name leads to an address that is not a public one"
	case errors.As(err, &lookup):
		return "the name is not known"
	case errors.As(err, &unknown), errors.As(err, &otherName), errors.As(err, &invalid), errors.As(err, &record), errors.As(err, &verify):
		return "its TLS certificate does not hold"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	}
	return "the connection failed"
}

// Try sends an endpoint a test message, once. dev allows http to this machine.
func Try(ctx context.Context, e Endpoint, origin string, dev bool) error {
	if err := e.Check(); err != nil {
		return err
	}
	if e.plain() && !dev {
		return errPlain
	}
	now := time.Now()
	m, err := testMessage(e.ID, origin, now)
	if err != nil {
		return err
	}
	c := client(e.reach(), e.roots(), attemptTime)
	defer c.CloseIdleConnections()
	if out := attempt(ctx, c, &e, m, now); !out.taken {
		return errors.New(out.why)
	}
	return nil
}

var errPlain = errors.New("http, and this ledger is no rehearsal: messages go over https only")
