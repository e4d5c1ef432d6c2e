package webhooks

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The vector that the libraries of Standard Webhooks are tested with.
// Source: github.com/standard-webhooks/standard-webhooks, libraries/*/test.
const (
	vectorSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID     = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime   = 1614265330
	vectorBody   = `{"test": 2432232314}`
	vectorSigned = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func TestSignatureVector(t *testing.T) {
	if got, err := Sign(vectorSecret, vectorID, time.Unix(vectorTime, 0), []byte(vectorBody)); got != vectorSigned || err != nil {
		t.Errorf("%s %v", got, err)
	}
	head := func(id, at, signature string) http.Header {
		h := http.Header{}
		h.Set(HeaderID, id)
		h.Set(HeaderTimestamp, at)
		h.Set(HeaderSignature, signature)
		return h
	}
	now := time.Unix(vectorTime, 0)
	for name, c := range map[string]struct {
		h    http.Header
		body string
		now  time.Time
		want error
	}{
		"sound":             {head(vectorID, "1614265330", vectorSigned), vectorBody, now, nil},
		"second signature":  {head(vectorID, "1614265330", "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,x "+vectorSigned), vectorBody, now.Add(4 * time.Minute), nil},
		"old":               {head(vectorID, "1614265330", vectorSigned), vectorBody, now.Add(Tolerance + time.Second), ErrStale},
		"of the future":     {head(vectorID, "1614265330", vectorSigned), vectorBody, now.Add(-Tolerance - time.Second), ErrStale},
		"another body":      {head(vectorID, "1614265330", vectorSigned), vectorBody + " ", now, ErrUnsigned},
		"another id":        {head(vectorID+"x", "1614265330", vectorSigned), vectorBody, now, ErrUnsigned},
		"another time":      {head(vectorID, "1614265331", vectorSigned), vectorBody, now, ErrUnsigned},
		"no version":        {head(vectorID, "1614265330", vectorSigned[3:]), vectorBody, now, ErrUnsigned},
		"no signature":      {head(vectorID, "1614265330", ""), vectorBody, now, ErrUnsigned},
		"no time":           {head(vectorID, "", vectorSigned), vectorBody, now, ErrUnsigned},
		"time that is none": {head(vectorID, "soon", vectorSigned), vectorBody, now, ErrUnsigned},
	} {
		if err := Verify(vectorSecret, c.h, []byte(c.body), c.now); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{"", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_AAAA", "whsec_" + strings.Repeat("A", 200), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa\nSw"} {
		if _, err := Sign(bad, "x", now, nil); err == nil || bad != "" && strings.Contains(err.Error(), bad) && len(bad) > 8 {
			t.Errorf("%q: %v", bad, err)
		}
	}
	a, b := NewSecret(), NewSecret()
	if _, err := keyOf(a); a == b || err != nil {
		t.Error(a, b, err)
	}
}

// TestPublic: the addresses that strangers reach, and those behind which an operator's
// own machines are.
func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"36.86.63.182": true, "2001:4860:4860::8888": true, "::ffff:36.86.63.182": true,
		"127.0.0.1": false, "127.8.8.8": false, "::1": false, "::ffff:127.0.0.1": false, "::127.0.0.1": false,
		"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, "::ffff:10.1.2.3": false, "fd00::1": false, "fc00::1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "::ffff:169.254.169.254": false,
		"0.0.0.0": false, "0.1.2.3": false, "::": false, "100.64.0.1": false, "192.0.0.170": false, "192.0.2.1": false, "198.18.0.1": false, "203.0.113.9": false,
		"224.0.0.1": false, "ff02::1": false, "240.0.0.1": false, "255.255.255.255": false,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:0:7f00:1::": false, "2001:db8::1": false, "100::1": false,
	} {
		if got := public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is public: %v", text, got)
		}
	}
}

// TestAddressesAreGuarded: what is dialled counts, not what the address looks like.
func TestAddressesAreGuarded(t *testing.T) {
	reached := 0
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ })
	secure, plain := httptest.NewTLSServer(handler), httptest.NewServer(handler)
	defer secure.Close()
	defer plain.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	u, err := url.Parse(secure.URL)
	if err != nil {
		t.Fatal(err)
	}
	byName := "https://localhost:" + u.Port() // a name whose address is known only when it is dialled
	for name, c := range map[string]struct {
		url     string
		private bool
		ca      string
		dev     bool
		want    string
	}{
		"inside, by name":            {byName, false, ca, true, "not a public one"},
		"inside, untrusted":          {secure.URL, true, "", true, "certificate"},
		"inside, another name":       {byName, true, ca, true, "certificate"},
		"inside, told":               {secure.URL, true, ca, false, ""},
		"plain, rehearsal":           {plain.URL, false, "", true, ""},
		"plain, in earnest":          {plain.URL, false, "", false, "no rehearsal"},
		"by address":                 {secure.URL, false, ca, true, "not a public one"},
		"plain, elsewhere":           {"http://berkas.example/", true, "", true, "http only to"},
		"plain, other address":       {"http://10.0.0.1/", true, "", true, "http only to"},
		"with a user":                {"https://a:b@berkas.example/", false, "", true, "no user"},
		"another scheme":             {"ftp://berkas.example/", false, "", true, "is https"},
		"no host":                    {"https:///x", false, "", true, "https://host"},
		"opaque":                     {"https:berkas.example", false, "", true, "https://host"},
		"authority that is none":     {secure.URL, true, "x", true, "no certificate"},
		"nobody's address, told":     {"https://0.0.0.0:1/", true, "", true, "not a public one"},
		"everybody's, told":          {"https://255.255.255.255/", true, "", true, "not a public one"},
		"the machine's own metadata": {"https://169.254.169.254/latest", false, "", true, "not a public one"},
	} {
		e := NewEndpoint("one", c.url)
		e.Private, e.CA = c.private, c.ca
		before := reached
		err := Try(context.Background(), e, "berkas.example/dev", c.dev)
		if c.want == "" && (err != nil || reached != before+1) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || reached != before) {
			t.Errorf("%s: %v, reached %d times", name, err, reached-before)
		}
		if err != nil && strings.Contains(err.Error(), u.Port()) {
			t.Errorf("%s: the address is repeated: %v", name, err)
		}
	}
}

func TestRetry(t *testing.T) {
	r := Retry{}.filled()
	for attempts, want := range map[int]time.Duration{1: 5 * time.Second, 2: 10 * time.Second, 4: 40 * time.Second, 11: time.Hour, 1000: time.Hour} {
		for range 20 {
			if got := r.after(attempts); got < want/2 || got > want {
				t.Errorf("after %d attempts %v", attempts, got)
			}
		}
	}
	now := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, "-1": 0, "x": 0, "99999999": longestWait, "99999999999999999999": 0,
		"Sun, 22 Nov 2026 01:10:00 GMT": 10 * time.Minute, "Sun, 22 Nov 2020 01:10:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
}

// TestFiles: secrets lie where only the owner reads them, and a file that others can
// read is not used.
func TestFiles(t *testing.T) {
	s := Store{filepath.Join(t.TempDir(), "webhooks")}
	e := NewEndpoint("one", "https://berkas.example/hook")
	if err := s.Save(e); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.Dir, "one.endpoint.json")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	if dir, err := os.Stat(s.Dir); err != nil || dir.Mode().Perm() != 0o700 {
		t.Error(dir.Mode(), err)
	}
	if got, err := s.Endpoint("one"); err != nil || got.ID != e.ID || got.Secrets[0] != e.Secrets[0] {
		t.Error(got, err)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Endpoint("one"); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Error(err)
	}
	for _, bad := range []string{"", "../one", "One", strings.Repeat("x", 33)} {
		e := NewEndpoint(bad, "https://berkas.example/")
		if _, err := s.Endpoint(bad); !errors.Is(err, os.ErrNotExist) || s.Save(e) == nil {
			t.Errorf("%q was taken: %v", bad, err)
		}
	}
	if err := s.Save(Endpoint{}); err == nil {
		t.Error("an empty endpoint was kept")
	}
}

// TestChangesAreNotLost: of commands that run at a time each does what it says.
func TestChangesAreNotLost(t *testing.T) {
	s := Store{filepath.Join(t.TempDir(), "webhooks")}
	if err := s.Change("one", func(*Endpoint) error { return nil }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of an endpoint that is not there: %v", err)
	}
	const commands = 20
	var all sync.WaitGroup
	var added atomic.Int64
	for range commands {
		all.Go(func() {
			switch err := s.Add(NewEndpoint("one", "https://berkas.example/hook")); {
			case err == nil:
				added.Add(1)
			case !errors.Is(err, ErrThere):
				t.Error(err)
			}
			if err := s.Change("one", func(e *Endpoint) error { e.Order.Number++; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if e, err := s.Endpoint("one"); err != nil || e.Order.Number != 1+commands || added.Load() != 1 {
		t.Errorf("%d changes, added %d times, %v", e.Order.Number-1, added.Load(), err)
	}
	if err := s.Change("one", func(e *Endpoint) error { e.Order.Number = 99; return ErrSecrets }); !errors.Is(err, ErrSecrets) {
		t.Error(err)
	}
	if e, err := s.Endpoint("one"); err != nil || e.Order.Number == 99 {
		t.Errorf("a change that failed was kept: %v", err)
	}
	for i := 1; i < MaxEndpoints; i++ {
		if err := s.Add(NewEndpoint("e"+strconv.Itoa(i), "https://berkas.example/hook")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Add(NewEndpoint("one-more", "https://berkas.example/hook")); !errors.Is(err, ErrMany) {
		t.Error(err)
	}
	if err := s.Remove("one"); err != nil {
		t.Error(err)
	}
}

// FuzzParse: no file makes the readers fail otherwise than with an error that quotes
// nothing of it.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"name":"one","id":"abcdefghijklmnopqrstuvwxyz","url":"https://berkas.example/","secrets":[{"value":"` + vectorSecret + `"}],"order":{"number":1}}`))
	f.Add([]byte(`{"endpoint":"x","order":1,"position":7,"leaf":"00","delivered":1,"failing":{"since":"2026-11-22T01:00:00Z"}}`))
	f.Add([]byte(`{"name":1}`))
	f.Add([]byte(`[`))
	secret := base64.StdEncoding.EncodeToString([]byte("rahasia yang panjang sekali"))
	f.Add([]byte(`{"secrets":[{"value":"whsec_` + secret + `","x":1}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := ParseEndpoint(raw); err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("a secret is repeated: %v", err)
		}
		if s, err := ParseState(raw); err == nil && s.Leaf != "" && len(s.Leaf) != 64 {
			t.Errorf("a leaf hash of %q", s.Leaf)
		}
	})
}

// FuzzVerify: nothing that a stranger sends passes for a message.
func FuzzVerify(f *testing.F) {
	f.Add(vectorID, "1614265330", vectorSigned, []byte(vectorBody))
	f.Add("", "x", "v1,", []byte{})
	f.Fuzz(func(t *testing.T, id, at, signature string, body []byte) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {signature}}
		err := Verify(vectorSecret, h, body, time.Unix(vectorTime, 0))
		if err == nil && (id != vectorID || string(body) != vectorBody) {
			t.Errorf("%q was taken", body)
		}
	})
}
