package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// keptLines is how much of a server's log an error about it shows.
const keptLines = 12

// process is a PostgreSQL server that runs as our child.
type process struct {
	os    *os.Process
	ready chan struct{} // closed when it says that it takes connections
	done  chan struct{} // closed when it has ended and its log is read to the end

	mu    sync.Mutex
	lines []string // its last keptLines lines
}

// childAttr makes the kernel interrupt the child when its parent ends, even by
// kill -9; for PostgreSQL that is the signal of a fast shutdown. A process
// group of its own keeps the terminal's Ctrl-C from it: we stop it, in order.
func childAttr(as *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as, Setpgid: true, Pdeathsig: syscall.SIGINT}
}

// pinned calls f on a thread that does not end before f returns: the
// parent-death signal is sent when the thread that made the child ends, and Go
// ends threads as it likes.
func pinned(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f()
}

// runPinned is cmd.CombinedOutput for a command with childAttr.
func runPinned(cmd *exec.Cmd) (out []byte, err error) {
	pinned(func() { out, err = cmd.CombinedOutput() })
	return out, err
}

func startProcess(cmd *exec.Cmd, log *slog.Logger) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = w, w
	p := &process{ready: make(chan struct{}), done: make(chan struct{})}
	started := make(chan error)
	exited := make(chan struct{})
	go pinned(func() {
		err := cmd.Start()
		started <- err
		if err == nil {
			// How it ended is told by its log; a status of 0 or 1 adds nothing.
			_ = cmd.Wait()
		}
		close(exited)
	})
	err = errors.Join(<-started, w.Close())
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	p.os = cmd.Process
	go func() {
		// Every backend holds the pipe too, so its end is the end of them all.
		p.read(r, log)
		<-exited
		close(p.done)
	}()
	return p, nil
}

// read hands the server's lines to the log and watches for the one by which it
// says that it is ready.
func (p *process) read(r io.ReadCloser, log *slog.Logger) {
	defer r.Close()
	isReady := false
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if line = strings.TrimRight(line, "\n"); line != "" {
			level, text := serverMessage(line)
			log.Log(context.Background(), level, "postgresql", "says", text)
			p.keep(line)
			if !isReady && strings.HasSuffix(line, "database system is ready to accept connections") {
				isReady = true
				close(p.ready)
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *process) keep(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lines) == keptLines {
		p.lines = append(p.lines[:0], p.lines[1:]...)
	}
	p.lines = append(p.lines, line)
}

// last is the end of what the server has said so far.
func (p *process) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// serverMessage splits "2026-11-26 03:10:00.000 UTC [42] FATAL:  text". The
// server's LOG lines are its small talk, and that it ends connections when it is
// stopped is no fault.
func serverMessage(line string) (slog.Level, string) {
	for _, m := range []struct {
		mark  string
		level slog.Level
	}{
		{"] FATAL:  terminating connection due to administrator command", slog.LevelDebug},
		{"] PANIC:  ", slog.LevelError},
		{"] FATAL:  ", slog.LevelError},
		{"] ERROR:  ", slog.LevelWarn},
		{"] WARNING:  ", slog.LevelWarn},
		{"] LOG:  ", slog.LevelDebug},
	} {
		if _, text, ok := strings.Cut(line, m.mark); ok {
			return m.level, text
		}
	}
	return slog.LevelDebug, line
}

// stop sends the signal and waits for the end; after patience it is SIGQUIT,
// by which PostgreSQL drops everything and recovers at the next start.
func (p *process) stop(sig syscall.Signal, patience time.Duration) error {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case <-p.done:
			return nil
		default:
		}
		// It may end just before; then there is nothing left to signal.
		if err := p.os.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop PostgreSQL, process %d: %w", p.os.Pid, err)
		}
		select {
		case <-p.done:
			return nil
		case <-late.C:
		}
		if sig == syscall.SIGKILL {
			return fmt.Errorf("PostgreSQL, process %d, does not end", p.os.Pid)
		}
		if sig == syscall.SIGQUIT {
			sig = syscall.SIGKILL
		} else {
			sig = syscall.SIGQUIT
		}
		late.Reset(patience)
	}
}

// endLeftover deals with the postmaster.pid that a killed process leaves. We
// hold the directory's lock, so a server that still runs over the data has no
// master: it is on its way out, or is sent there. A number that meanwhile
// belongs to something else would make PostgreSQL refuse to start; it is
// replaced by our own, which PostgreSQL, our child, knows not to be a rival.
// The file is kept, because it names the shared memory by which PostgreSQL
// sees a backend that outlived its server.
func endLeftover(ctx context.Context, home pgHome, log *slog.Logger) error {
	pid, err := home.serverPID()
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if errors.Is(err, errNoPID) {
		return os.Remove(home.pidFile()) // cut short by a power cut: no server ran after that
	}
	if err != nil {
		return err
	}
	if runsOver(pid, home.data()) {
		log.WarnContext(ctx, "ending the PostgreSQL server that a killed process left", "pid", pid)
		return endProcess(ctx, pid, home.data())
	}
	if there := syscall.Kill(pid, 0) == nil; !there {
		return nil // and PostgreSQL sees that by itself
	}
	text, err := os.ReadFile(home.pidFile())
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(text), "\n")
	return writeFile(home.pidFile(), strconv.Itoa(os.Getpid())+"\n"+rest, 0o600, home.as)
}

var errNoPID = errors.New("no process number in postmaster.pid")

func (h pgHome) pidFile() string { return filepath.Join(h.data(), "postmaster.pid") }

// serverPID is the process that runs, or ran last, over the home's data.
func (h pgHome) serverPID() (int, error) {
	text, err := os.ReadFile(h.pidFile())
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 {
		return 0, errNoPID
	}
	return pid, nil
}

// runsOver tells whether the process is a server over the data directory: it
// makes that its working directory.
func runsOver(pid int, data string) bool {
	data, err := filepath.EvalSymlinks(data)
	if err != nil {
		return false
	}
	at, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return err == nil && at == data
}

// endProcess asks a server that is not our child to shut down and waits. There
// is no signal to wait on, so it looks again and again.
func endProcess(ctx context.Context, pid int, data string) error {
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stop the PostgreSQL left behind, process %d: %w", pid, err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for runsOver(pid, data) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the PostgreSQL left behind, process %d, does not end: %w", pid, context.Cause(ctx))
		case <-tick.C:
		}
	}
	return nil
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
