package web

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

func lineOf(s ledger.Submission) string {
	raw, err := json.Marshal(bulkLine{s.Header()[ledger.HeaderSignature], base64.StdEncoding.EncodeToString(s.Body)})
	if err != nil {
		panic(err)
	}
	return string(raw) + "\n"
}

func (n *node) bulk(body string) []bulkResult {
	n.t.Helper()
	r := n.do(http.MethodPost, "/v1/events:bulk", http.Header{"Content-Type": {bulkType}}, []byte(body))
	if r.status != http.StatusOK || r.header.Get("Content-Type") != bulkType {
		n.t.Fatalf("%d %s", r.status, r.body)
	}
	return n.results(r.body)
}

// results reads the answer and checks that it names the lines in order.
func (n *node) results(body string) []bulkResult {
	n.t.Helper()
	var out []bulkResult
	for line := range strings.Lines(body) {
		var one bulkResult
		n.check(json.Unmarshal([]byte(line), &one))
		if out = append(out, one); one.Line != len(out) {
			n.t.Fatalf("line %d is the %dth result", one.Line, len(out))
		}
		if one.Problem != nil && (one.Problem.Status != one.Status || one.Problem.Request == "") {
			n.t.Errorf("an incomplete problem: %s", line)
		}
	}
	return out
}

// TestBulk: every line has its own outcome, in order; a case goes on after what
// was bad beside it and stops after what was bad in it.
func TestBulk(t *testing.T) {
	n := newNode(t)
	one, opened := n.open()
	two, other := n.open()
	refused := n.register(n.NewID())
	stale := uint64(0)
	bad := n.register(one, func(e *ledger.Event) { e.CaseVersion = &stale })
	after := n.register(one)
	long := `{"signature":[],"event":"` + strings.Repeat("A", 2*maxBulkLine) + `"}` + "\n"
	unsigned := n.Sign(ledger.Bawaslu, other.Body, "bawaslu/stranger")
	registered := n.register(two)
	lines := []struct {
		text   string
		status int
		code   string
	}{
		{lineOf(opened), 201, ""},
		{"halo\n", 400, "bad-line"},
		{"\n", 400, "bad-line"},
		{lineOf(other), 201, ""},
		{lineOf(bad), 409, string(ledger.CodeStaleVersion)},
		{long, 413, string(ledger.CodeTooLarge)},
		{lineOf(after), 424, "held-back"},
		{lineOf(unsigned), 401, string(ledger.CodeKeyUnknown)},
		{lineOf(refused), 409, string(ledger.CodeCaseUnknown)},
		{lineOf(opened), 424, "held-back"},
		{strings.TrimSuffix(lineOf(registered), "\n"), 424, "held-back"}, // after the unsigned one
	}
	var body strings.Builder
	for _, l := range lines {
		body.WriteString(l.text)
	}
	got := n.bulk(body.String())
	if len(got) != len(lines) {
		t.Fatalf("%d results for %d lines", len(got), len(lines))
	}
	for i, l := range lines {
		code := ""
		if got[i].Problem != nil {
			code = got[i].Problem.Code
		}
		if got[i].Status != l.status || code != l.code {
			t.Errorf("line %d: %d %s, want %d %s", i+1, got[i].Status, code, l.status, l.code)
		}
	}
	if r := n.receipt(got[0].Receipt, opened); r.Outcome != ledger.Admitted || got[0].SHA256 != opened.Sum().String() {
		t.Errorf("%+v", got[0])
	}
	if r := n.receipt(got[4].Problem.Receipt, bad); r.Reason != ledger.CodeStaleVersion {
		t.Errorf("%+v", r)
	}
	// The file again, without what was bad: nothing twice.
	again := n.bulk(lineOf(opened) + lineOf(other) + lineOf(registered))
	for i, status := range []int{200, 200, 201} {
		if again[i].Status != status {
			t.Errorf("again, line %d: %d, want %d", i+1, again[i].Status, status)
		}
	}
	if again[0].Receipt != got[0].Receipt {
		t.Error("another receipt for the same bytes")
	}
}

// TestBulkIsLong: cases of several lines in one file far longer than what is
// under way at a time, each case in order; results come while lines are sent.
func TestBulkIsLong(t *testing.T) {
	n := newNode(t, func(c *Config) { c.Limits.BulkWindow = 8 })
	const cases = 40
	var lines []string
	var second []string
	for range cases {
		id, opened := n.open()
		lines, second = append(lines, lineOf(opened)), append(second, lineOf(n.register(id)))
	}
	for i, l := range second {
		lines = append(lines[:2*i+1], append([]string{l}, lines[2*i+1:]...)...)
	}
	in, out := io.Pipe()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.http.URL+"/v1/events:bulk", in)
	n.check(err)
	q.Header.Set("Content-Type", bulkType)
	sent := make(chan error, 1)
	answered := make(chan struct{})
	go func() {
		_, err := io.WriteString(out, strings.Join(lines[:20], ""))
		<-answered // the rest goes out only when results of the first are here
		if err == nil {
			_, err = io.WriteString(out, strings.Join(lines[20:], ""))
		}
		sent <- err
		_ = out.Close()
	}()
	answer, err := n.http.Client().Do(q)
	n.check(err)
	defer answer.Body.Close()
	first := make([]byte, 1)
	if _, err := io.ReadFull(answer.Body, first); err != nil {
		t.Fatal(err)
	}
	close(answered)
	rest, err := io.ReadAll(answer.Body)
	n.check(err)
	n.check(<-sent)
	got := n.results(string(first) + string(rest))
	if len(got) != len(lines) {
		t.Fatalf("%d results for %d lines", len(got), len(lines))
	}
	for _, r := range got {
		if r.Status != 201 {
			t.Fatalf("line %d: %d %+v", r.Line, r.Status, r.Problem)
		}
	}
}

// TestBulkLimits: too many lines, too many at a time, the wrong media type, a
// sender that hangs up.
func TestBulkLimits(t *testing.T) {
	n := newNode(t, func(c *Config) { c.Limits.BulkLines, c.Limits.BulkAtOnce = 3, 1 })
	got := n.bulk(strings.Repeat("x\n", 10))
	if len(got) != 4 || got[3].Status != 413 || got[3].Problem.Code != "too-many-lines" {
		t.Errorf("%+v", got)
	}
	n.wants(n.do(http.MethodPost, "/v1/events:bulk", http.Header{"Content-Type": {"application/json"}}, nil), 415, string(ledger.CodeContentType))

	in, out := io.Pipe()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.http.URL+"/v1/events:bulk", in)
	n.check(err)
	q.Header.Set("Content-Type", bulkType)
	go func() { _, _ = io.WriteString(out, "x\n") }()
	answer, err := n.http.Client().Do(q)
	n.check(err)
	n.wants(n.do(http.MethodPost, "/v1/events:bulk", http.Header{"Content-Type": {bulkType}}, []byte("x\n")), 503, "crowded")
	_ = out.CloseWithError(io.ErrUnexpectedEOF) // cut in the middle
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	select {
	case n.server.bulks <- struct{}{}:
		<-n.server.bulks
	case <-time.After(20 * time.Second):
		t.Fatal("a request that was cut keeps its place")
	}
	if got := n.bulk("x\n"); len(got) != 1 {
		t.Errorf("the next one is not served: %+v", got)
	}
}

// FuzzBulkLine: whatever a line holds, it is read without panic, and what is
// read is the one spelling of it.
func FuzzBulkLine(f *testing.F) {
	f.Add([]byte(`{"signature":["bawaslu/a ` + strings.Repeat("A", 86) + `=="],"event":"e30="}`))
	f.Add([]byte(`{"signature":[],"event":"e30=","event":"e30="}`))
	f.Add([]byte(`{"event":"e30"}`))
	f.Add([]byte(`{"signature":null,"event":"e3\n0="}`))
	f.Add([]byte("\xff"))
	f.Fuzz(func(t *testing.T, line []byte) {
		header, body, err := parseBulkLine(line)
		if err != nil {
			return
		}
		again, err := json.Marshal(bulkLine{header[ledger.HeaderSignature], base64.StdEncoding.EncodeToString(body)})
		if err != nil {
			t.Fatal(err)
		}
		_, same, err := parseBulkLine(again)
		if err != nil || !bytes.Equal(same, body) {
			t.Fatalf("%s is read, but not %s: %v", line, again, err)
		}
	})
}

// FuzzReadLine: lines come out as they went in, however long, and one that is
// too long does not hurt the next.
func FuzzReadLine(f *testing.F) {
	f.Add("a\nb\n", 3)
	f.Add("\n\n", 0)
	f.Add("tail", maxBulkLine)
	f.Fuzz(func(t *testing.T, text string, long int) {
		if long < 0 || long > 2*maxBulkLine {
			return
		}
		in := strings.Repeat("x", long) + "\n" + text
		if got, want := readAll(t, in), wantLines(in); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("lines %q, want %q", got, want)
		}
	})
}

// TestBulkForgets: what went well is forgotten; what went badly is kept, and not
// gone through again at every line.
func TestBulkForgets(t *testing.T) {
	b := &bulk{s: &Server{Config: Config{Limits: Limits{BulkWindow: 4}}}, last: map[string]*job{}}
	put := func(n int, p *Problem) {
		for range n {
			j := &job{done: make(chan struct{}), result: bulkResult{Problem: p}}
			close(j.done)
			b.last[fmt.Sprint(len(b.last), p == nil)] = j
		}
	}
	put(20, nil)
	put(100, errBulkLine)
	b.forget()
	if len(b.last) != 100 || b.full != 200 {
		t.Errorf("%d subjects are kept, and looked through again at %d", len(b.last), b.full)
	}
	b.last = map[string]*job{}
	put(20, nil)
	b.forget()
	if len(b.last) != 0 || b.full != 16 {
		t.Errorf("%d subjects are kept, and looked through again at %d", len(b.last), b.full)
	}
}
