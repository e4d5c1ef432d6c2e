package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serving runs a server as the program does, until end is called.
func serving(t *testing.T, s *Server) (addr string, end func() error) {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { gone <- s.Serve(ctx, l) }()
	return l.Addr().String(), func() error {
		cancel()
		return <-gone
	}
}

// TestServeEndsWell: what is under way at the end is answered, then the server is
// gone.
func TestServeEndsWell(t *testing.T) {
	s := newSilent(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	s.serve("GET /lama", needNothing, func(w http.ResponseWriter, _ *http.Request) error {
		close(inside)
		<-leave
		_, err := io.WriteString(w, "selesai")
		return err
	})
	addr, end := serving(t, s)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answered := make(chan string, 1)
	go func() {
		r, err := client.Get("http://" + addr + "/lama")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer r.Body.Close()
		body, _ := io.ReadAll(r.Body)
		answered <- string(body)
	}()
	<-inside
	gone := make(chan error, 1)
	go func() { gone <- end() }()
	close(leave)
	if got := <-answered; got != "selesai" {
		t.Errorf("what was under way got %q", got)
	}
	if err := <-gone; err != nil {
		t.Error(err)
	}
	if r, err := client.Get("http://" + addr + "/healthz"); err == nil {
		r.Body.Close()
		t.Error("the server still answers")
	}
}

// TestHostileRequests: what is no request, or a huge one, is refused, and the
// next one is served.
func TestHostileRequests(t *testing.T) {
	addr, end := serving(t, newSilent(t))
	send := func(raw string) int {
		t.Helper()
		c, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, raw) // the server may hang up on the way
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return 0 // hung up
		}
		defer r.Body.Close()
		return r.StatusCode
	}
	head := "Host: x\r\nContent-Type: application/cloudevents+json\r\n"
	for name, tt := range map[string]struct {
		raw  string
		want []int
	}{
		"no HTTP":          {"halo\r\n\r\n", []int{400}},
		"huge header":      {"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", []int{431, 0}},
		"two lengths":      {"POST /v1/events HTTP/1.1\r\n" + head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", []int{400}},
		"announced huge":   {"POST /v1/events HTTP/1.1\r\n" + head + "Content-Length: 99999999999\r\n\r\n" + strings.Repeat("x", 200_000), []int{413, 0}},
		"chunks":           {"POST /v1/events HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", []int{400}},
		"header in header": {"POST /v1/events HTTP/1.1\r\n" + head + "Berkas-Signature: a\nNats-Msg-Id: 1\r\nContent-Length: 2\r\n\r\n{}", []int{400}},
		"path":             {"GET /v1/cases/%00%ff HTTP/1.1\r\nHost: x\r\n\r\n", []int{404}},
		"method":           {"BUDI /v1/codes HTTP/1.1\r\nHost: x\r\n\r\n", []int{405}},
	} {
		got := send(tt.raw)
		ok := false
		for _, w := range tt.want {
			ok = ok || got == w
		}
		if !ok {
			t.Errorf("%s: %d, want one of %v", name, got, tt.want)
		}
		if after := send(fmt.Sprintf("GET /healthz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", addr)); after != 200 {
			t.Errorf("after %s: %d", name, after)
		}
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}
