package local

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"
)

func pgConfig(dir string) PostgresConfig {
	return PostgresConfig{Dir: dir, BinDir: os.Getenv("PG_BINDIR"), Throwaway: true}
}

// openDir is t.TempDir for servers that root runs as another user, who cannot
// enter that.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "berkas-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func startPG(t *testing.T, cfg PostgresConfig) *Postgres {
	t.Helper()
	p, err := StartPostgres(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// query returns the one text that sql gives.
func query(t *testing.T, url, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	var text string
	if err := conn.QueryRow(t.Context(), sql).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPostgresKeepsItsDataAcrossARestart(t *testing.T) {
	cfg := pgConfig(filepath.Join(openDir(t), "pg"))
	cfg.Throwaway = false
	p := startPG(t, cfg)
	const settings = `SELECT concat_ws(' ', current_database(), current_user, current_setting('data_checksums'),
		current_setting('fsync'), current_setting('synchronous_commit'), current_setting('TimeZone'),
		current_setting('server_encoding'), datlocprovider, current_setting('listen_addresses'))
		FROM pg_database WHERE datname = current_database()`
	want := "berkas berkas on on on UTC UTF8 i 127.0.0.1"
	if got := query(t, p.URL(), settings); got != want {
		t.Errorf("settings\n got %q\nwant %q", got, want)
	}
	exec1(t, p.URL(), "CREATE TABLE kept AS SELECT 'still here' AS v")
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if err := p.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}

	p = startPG(t, cfg)
	if got := query(t, p.URL(), "SELECT v FROM kept"); got != "still here" {
		t.Errorf("after a restart the table has %q", got)
	}
}

// TestPostgresIsKept: a server that was killed is started again at its address.
func TestPostgresIsKept(t *testing.T) {
	cfg := pgConfig(filepath.Join(openDir(t), "pg"))
	p, err := StartPostgres(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		p.Keep(ctx)
	}()
	pid, err := p.home.serverPID()
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	again := func() bool {
		conn, err := pgx.Connect(t.Context(), p.URL())
		if err != nil {
			return false
		}
		defer conn.Close(context.WithoutCancel(t.Context()))
		now, err := p.home.serverPID()
		return err == nil && now != pid && conn.Ping(t.Context()) == nil
	}
	for end := time.Now().Add(time.Minute); !again(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the server was not started again")
		}
	}
	cancel()
	<-kept
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}

func exec1(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func TestPostgresAsksForItsPassword(t *testing.T) {
	p := startPG(t, pgConfig(openDir(t)))
	info, err := os.Stat(p.home.password())
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the password's file has mode %v", info.Mode())
	}
	wrong := strings.Replace(p.URL(), p.secret, "wrong", 1)
	_, err = pgx.Connect(t.Context(), wrong)
	if err == nil || !strings.Contains(err.Error(), "28P01") {
		t.Errorf("with a wrong password: %v, want 28P01", err)
	}
}

func TestPostgresHasOneMaster(t *testing.T) {
	cfg := pgConfig(openDir(t))
	startPG(t, cfg)
	_, err := StartPostgres(t.Context(), cfg)
	if !errors.Is(err, ErrInUse) {
		t.Errorf("a second server over the same directory: %v", err)
	}
}

func TestPostgresTakesAFixedPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := pgConfig(openDir(t))
	cfg.Port = l.Addr().(*net.TCPAddr).Port
	_, err = StartPostgres(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("on a port that is taken: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p := startPG(t, cfg)
	if !strings.HasSuffix(p.Addr(), ":"+strconv.Itoa(cfg.Port)) {
		t.Errorf("listens on %s, want port %d", p.Addr(), cfg.Port)
	}
}

func TestPostgresStartEndsWithItsContext(t *testing.T) {
	cfg := pgConfig(openDir(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := StartPostgres(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Fatalf("with a context that has ended: %v", err)
	}
	// Half an initdb stands in nobody's way.
	if err := os.MkdirAll(filepath.Join(cfg.Dir, "data.new", "base"), 0o700); err != nil {
		t.Fatal(err)
	}
	startPG(t, cfg)
}

func TestPostgresMissingNamesTheCommand(t *testing.T) {
	nowhere := filepath.Join(openDir(t), "*", "bin")
	t.Setenv("PATH", openDir(t))
	_, err := startPostgres(t.Context(), PostgresConfig{Dir: openDir(t)}, nowhere, openDir(t))
	if !errors.Is(err, ErrNoPostgres) || !strings.Contains(err.Error(), "sudo apt-get install postgresql") {
		t.Errorf("without the programs: %v", err)
	}
	_, err = StartPostgres(t.Context(), PostgresConfig{Dir: openDir(t), BinDir: openDir(t)})
	if !errors.Is(err, ErrNoPostgres) || !strings.Contains(err.Error(), "sudo apt-get install postgresql") {
		t.Errorf("with an empty directory of programs: %v", err)
	}
}

// TestKilledParentLeavesNoPostgres kills a process that runs a server the hard
// way. The server ends by itself; and who starts over the same data at once
// need not wait for that.
func TestKilledParentLeavesNoPostgres(t *testing.T) {
	dir := openDir(t)
	p := startPG(t, pgConfig(dir))
	exec1(t, p.URL(), "CREATE TABLE kept AS SELECT 'committed' AS v")
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, restartAtOnce := range []bool{false, true} {
		server := killedParent(t, dir, p.DataDir())
		if !restartAtOnce {
			waitEnd(t, server)
		}
		p := startPG(t, pgConfig(dir))
		if got := query(t, p.URL(), "SELECT v FROM kept"); got != "committed" {
			t.Errorf("after the kill the table has %q", got)
		}
		if restartAtOnce {
			waitEnd(t, server)
		}
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// killedParent runs a server in a child process, kills that, and returns a
// descriptor of the server's process.
func killedParent(t *testing.T, dir, data string) int {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	pid, err := pgHome{dir: filepath.Dir(data)}.serverPID()
	if err != nil {
		t.Fatal(err)
	}
	server, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(server) })
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // says only that it was killed
	return server
}

func waitEnd(t *testing.T, pidfd int) {
	t.Helper()
	ended := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	n, err := unix.Poll(ended, int((20 * time.Second).Milliseconds()))
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Poll(ended, int((20 * time.Second).Milliseconds()))
	}
	if n != 1 || err != nil {
		t.Errorf("the killed process's PostgreSQL still runs (%v)", err)
	}
}

// TestStalePidOfAStranger: the number in postmaster.pid now belongs to another
// process of the user that PostgreSQL runs as, which makes PostgreSQL refuse.
func TestStalePidOfAStranger(t *testing.T) {
	cfg := pgConfig(openDir(t))
	p := startPG(t, cfg)
	text, err := os.ReadFile(p.home.pidFile())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}

	stranger := exec.Command("cat")
	stranger.Dir = "/"
	stranger.SysProcAttr = &syscall.SysProcAttr{Credential: p.home.as}
	in, err := stranger.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		if err := stranger.Wait(); err != nil {
			t.Errorf("the stranger was disturbed: %v", err)
		}
	}()
	_, rest, _ := strings.Cut(string(text), "\n")
	stale := strconv.Itoa(stranger.Process.Pid) + "\n" + rest
	if err := writeFile(p.home.pidFile(), stale, 0o600, p.home.as); err != nil {
		t.Fatal(err)
	}
	startPG(t, cfg)
}

// TestPostgresLeftBehindIsEnded: a server over the data whose master is gone,
// which the death signal normally prevents.
func TestPostgresLeftBehindIsEnded(t *testing.T) {
	cfg := pgConfig(openDir(t))
	p := startPG(t, cfg)
	if err := p.lock.Close(); err != nil { // as the kernel does for a dead master
		t.Fatal(err)
	}
	startPG(t, cfg)
	<-p.Done()
	p.lock = nopCloser{}
}

type nopCloser struct{}

func (nopCloser) Close() error { return nil }
