package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/internal/testkit"
)

// assignment is a line that says nothing, so its exit code is of no interest.
var assignment = regexp.MustCompile(`^[a-z]+=`)

// runREADME types the README's commands in a folder that looks like the
// repository, beside a ledger with the history of 2020. A line fails when its
// exit code is not 0, unless the README says what it is.
func runREADME(t *testing.T, snippets string) {
	dir := t.TempDir()
	for _, d := range []string{"schemas", "examples"} {
		if err := os.Symlink(repository(t, d), filepath.Join(dir, d)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program(t), filepath.Join(dir, "bin", "berkas")); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "DATABASE_URL="+testkit.DB(t), "BERKAS_NATS_PORT=0", "BERKAS_HTTP=127.0.0.1:0")
	dev := exec.Command(filepath.Join(dir, "bin", "berkas"), "dev", "--demo")
	dev.Dir, dev.Env = dir, env
	dev.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said := &watched{want: "is running", seen: make(chan struct{})}
	dev.Stdout, dev.Stderr = said, said
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- dev.Wait() }()
	t.Cleanup(func() { _ = dev.Process.Kill() })
	select {
	case <-said.seen:
	case err := <-ended:
		t.Fatalf("berkas dev --demo ended: %v\n%s", err, said.text())
	case <-time.After(3 * time.Minute):
		t.Fatalf("berkas dev --demo does not get ready\n%s", said.text())
	}
	script := "set -eo pipefail\n"
	for _, line := range strings.Split(strings.TrimSpace(snippets), "\n") {
		script += line + "\n"
		if line != "" && !strings.HasPrefix(line, "#") && !assignment.MatchString(line) {
			script += "echo \"-- exit $?\"\n"
		}
	}
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the README's commands fail: %v\n%s", err, out)
	}
	t.Logf("%s", out)
	if err := dev.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("berkas dev --demo did not end well: %v\n%s", err, said.text())
	}
}

// watched closes seen when its text shows up.
type watched struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	want string
	seen chan struct{}
	done bool
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(p)
	if !w.done && strings.Contains(w.buf.String(), w.want) {
		w.done = true
		close(w.seen)
	}
	return len(p), nil
}

func (w *watched) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}
