package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/mod/sumdb/note"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/transparency"
)

// TestServeOnACluster runs the registrar on three NATS servers that run on the
// configuration berkas nats-config prints, as an operator would.
func TestServeOnACluster(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "ledger")
	berkas(t, "init", "--data", data, "--origin", "berkas.example/cluster", "--rehearsal")
	url := startCluster(t, dir, data)
	seed := func(name string) string { return filepath.Join(data, "nats", "seeds", name+".nk") }
	database := testkit.DB(t)
	stop := serveUntil(t, []string{
		"serve", "--data", data, "--rehearsal", "--http", "127.0.0.1:0", "--nats", url, "--cluster", "--first-start", "--database", database,
		"--nats-seed", seed("registrar"), "--follower-seed", seed("follower-projections"), "--provision-seed", seed("provision"), "--system-seed", seed("system"),
		"--door-seed", seed("door"),
	})
	agency := []string{"--data", data, "--nats", url, "--nats-seed", seed("agency-bawaslu")}
	key := filepath.Join(dir, "key.json")
	write(t, key, fmt.Sprintf(`{"agency":"bawaslu","key":{"id":"bawaslu/event","public":%q},"role":"event"}`, publicKey(t, home{data})))
	// Its first key is signed by its root too.
	out := berkas(t, append([]string{"emit", "--agency", "bawaslu", "--kind", "key.added", "--case", "bawaslu", "--key", filepath.Join(data, "keys", "bawaslu", "root.key"), "--key", filepath.Join(data, "keys", "bawaslu", "event.key"), key}, agency...)...)
	if !strings.Contains(out, "admitted") {
		t.Fatalf("the key was not admitted: %s", out)
	}
	contest := filepath.Join(dir, "contest.json")
	write(t, contest, `{"id":"pilkada-2024","kind":"pilkada","voting":"2024-11-27","determination":"2024-09-22","doubt":"none"}`)
	berkas(t, append([]string{"emit", "--agency", "bawaslu", "--kind", "contest.published", "--case", "pilkada-2024", contest}, agency...)...)
	reader := []string{"--nats", url, "--nats-seed", seed("follower-commands"), "--data", data}
	replayed := berkas(t, append([]string{"replay"}, reader...)...)
	if !strings.Contains(replayed, "contest.published") || strings.Count(replayed, "\n") != 3 {
		t.Errorf("LEDGER holds something else than genesis, key and contest:\n%s", replayed)
	}
	submitOverHTTP(t, home{data}, "berkas.example/cluster")
	wantCheckpoint(t, home{data}, 4)
	stop()
}

// wantCheckpoint waits until a running ledger has published a checkpoint of a
// size, and wants its log to be ready.
func wantCheckpoint(t *testing.T, h home, size ledger.Position) {
	t.Helper()
	r, ok := h.found()
	if !ok {
		t.Fatal("nothing is running")
	}
	fetch, err := transparency.HTTPFetch(r.HTTP, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	g, err := readGenesis(h.genesisFile())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(g.Log)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		signed, err := fetch(t.Context(), "checkpoint")
		if err == nil {
			var c ledger.Checkpoint
			if c, _, err = ledger.OpenCheckpoint(signed, verifier); err != nil {
				t.Fatal(err)
			}
			if c.Size >= size {
				break
			}
		}
		if time.Now().After(end) {
			t.Fatalf("no checkpoint of size %d: %v", size, err)
		}
	}
	if out := berkas(t, "health", "--http", strings.TrimPrefix(r.HTTP, "http://")); !strings.Contains(out, `"log":"ok"`) {
		t.Errorf("the log is not ready: %s", out)
	}
}

// TestServeOnOneServer runs the registrar on a NATS that is not its own, and asks
// again for the receipt of an event whose registrar was away.
func TestServeOnOneServer(t *testing.T) {
	data := filepath.Join(t.TempDir(), "ledger")
	berkas(t, "init", "--data", data, "--origin", "berkas.example/one", "--rehearsal")
	h := home{data}
	accounts, err := h.accounts(institutions)
	if err != nil {
		t.Fatal(err)
	}
	url := testkit.NATS(t, accounts).ClientURL()
	seed := func(name string) string { return filepath.Join(data, "nats", "seeds", name+".nk") }
	args := []string{
		"serve", "--data", data, "--rehearsal", "--http", "127.0.0.1:0", "--nats", url, "--database", testkit.DB(t),
		"--nats-seed", seed("registrar"), "--follower-seed", seed("follower-projections"), "--provision-seed", seed("provision"),
	}
	stop := serveUntil(t, args)
	key := filepath.Join(data, "key.json")
	write(t, key, fmt.Sprintf(`{"agency":"bawaslu","key":{"id":"bawaslu/event","public":%q},"role":"event"}`, publicKey(t, h)))
	agency := []string{"emit", "--agency", "bawaslu", "--data", data, "--nats", url, "--nats-seed", seed("agency-bawaslu")}
	stop()
	// Nobody answers: the bytes are kept, and sent again later.
	late := exec.Command(os.Args[0], append(agency, "--wait", "300ms", "--kind", "key.added", "--case", "bawaslu",
		"--key", filepath.Join(data, "keys", "bawaslu", "root.key"), "--key", filepath.Join(data, "keys", "bawaslu", "event.key"), key)...)
	late.Args[0] = "berkas"
	if out, err := late.CombinedOutput(); err == nil {
		t.Fatalf("a receipt without a registrar: %s", out)
	}
	stop = serveUntil(t, args)
	if out := berkas(t, append(agency, "-o", "json")...); !strings.Contains(out, `"admitted": 1`) {
		t.Errorf("what waited was not admitted: %s", out)
	}
	if out := berkas(t, append(agency, "-o", "json")...); !strings.Contains(out, `"rows": 0`) {
		t.Errorf("something still waits: %s", out)
	}
	stop()
}

// serveUntil runs berkas serve until the function it returns is called.
func serveUntil(t *testing.T, args []string) (stop func()) {
	return serveWith(t, "Serving the ledger", args)
}

// serveWith is serveUntil, and waits until the program says something.
func serveWith(t *testing.T, until string, args []string) (stop func()) {
	serve := exec.Command(os.Args[0], args...)
	serve.Args[0] = "berkas"
	serve.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said := &watched{want: until, seen: make(chan struct{})}
	serve.Stdout, serve.Stderr = said, said
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve.Wait() }()
	t.Cleanup(func() { _ = serve.Process.Kill() })
	select {
	case <-said.seen:
	case err := <-ended:
		t.Fatalf("berkas serve ended: %v\n%s", err, said.text())
	case <-time.After(time.Minute):
		t.Fatalf("berkas serve does not get ready\n%s", said.text())
	}
	return func() {
		if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("berkas serve did not end well: %v\n%s", err, said.text())
		}
	}
}

func publicKey(t *testing.T, h home) string {
	s, err := h.signer("bawaslu/event")
	if err != nil {
		t.Fatal(err)
	}
	return string(s.Public().Public)
}

func write(t *testing.T, path, text string) {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// berkas runs the program and gives what it prints; a failure ends the test.
func berkas(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("berkas %s: %v\n%s%s", args[0], err, out.String(), errs.String())
	}
	return out.String()
}

// startCluster starts three servers, each on the text that the program prints
// for it.
func startCluster(t *testing.T, dir, data string) string {
	ports := freePorts(t, 6)
	var routes, urls []string
	for i := range 3 {
		routes = append(routes, fmt.Sprintf("nats-route://127.0.0.1:%d", ports[3+i]))
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", ports[i]))
	}
	var servers []*server.Server
	for i := range 3 {
		text := berkas(t, "nats-config", "--data", data, "--server", fmt.Sprintf("n%d", i+1),
			"--listen", fmt.Sprintf("127.0.0.1:%d", ports[i]), "--route", fmt.Sprintf("127.0.0.1:%d", ports[3+i]),
			"--routes", strings.Join(routes, ","), "--store", filepath.Join(dir, fmt.Sprintf("n%d", i+1)))
		o := &server.Options{}
		if err := o.ProcessConfigString(text); err != nil {
			t.Fatalf("the printed configuration is refused: %v\n%s", err, text)
		}
		o.NoSigs, o.NoLog = true, true
		s, err := server.NewServer(o)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		servers = append(servers, s)
	}
	t.Cleanup(func() {
		for _, s := range servers {
			s.Shutdown()
			s.WaitForShutdown()
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ; ; time.Sleep(50 * time.Millisecond) { // the servers give no sign of it
		if ctx.Err() != nil {
			t.Fatal("the cluster has no leader within a minute")
		}
		for _, s := range servers {
			if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == 3 {
				return strings.Join(urls, ",")
			}
		}
	}
}

func freePorts(t *testing.T, n int) []int {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}
