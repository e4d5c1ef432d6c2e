package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/berkas-ledger/berkas/internal/testkit"
)

// shared lets testscript run the program and testkit stop its servers.
type shared struct{ m *testing.M }

func (s shared) Run() int {
	dir, err := makeOpenDir("berkas-program-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // a directory for temporary files
	if err := os.Setenv(programDir, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return testkit.Run(s.m)
}

func TestMain(m *testing.M) {
	testscript.Main(shared{m}, map[string]func(){"berkas": main, "raced": main})
}

// TestScripts runs the program as a person would: see testdata/script. What runs a
// ledger is called raced there: this test binary in the program's place, with the
// race detector if the tests have it. All the single commands beside it are the
// program as users have it, which starts ten times as fast. Each script has a
// database of its own in DATABASE_URL, so that no private PostgreSQL has to be made
// for it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("DATABASE_URL", testkit.DB(t))
			e.Setenv("EXAMPLES", repository(t, "schemas", "examples"))
			e.Setenv("REPO", repository(t))
			e.Setenv("PATH", filepath.Dir(program(t))+string(os.PathListSeparator)+e.Getenv("PATH"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready":  ready,
			"keep":   keep,
			"theirs": theirs,
		},
	})
}

// programDir names, in the environment, where the program is built, and the doctor's
// patient.
const programDir = "BERKAS_TEST_PROGRAM_DIR"

// plainProgram is the program as users have it, without the race detector, for tests that
// play with it for long; the others run this test binary in its place.
var plainProgram = sync.OnceValues(func() (string, error) {
	file := filepath.Join(os.Getenv(programDir), "berkas")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", file, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return file, nil
})

func program(t testing.TB) string {
	t.Helper()
	file, err := plainProgram()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func repository(t testing.TB, parts ...string) string {
	dir, err := filepath.Abs(filepath.Join(append([]string{"..", ".."}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// ready waits until the ledger of a data directory runs: ready DIR.
func ready(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: ready DIR")
	}
	if err := waitRunning(context.Background(), home{ts.MkAbs(args[0])}, time.Minute); err != nil {
		ts.Fatalf("%v", err)
	}
}

// waitRunning looks for running.json of a living process whose institutions have
// their keys. The program gives no other sign to a stranger.
func waitRunning(ctx context.Context, h home, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, ok := h.found(); ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no ledger came up in %s within %s", h.dir, limit)
		case <-tick.C:
		}
	}
}

// keep takes a field of the last output into a variable: keep NAME PATTERN,
// where the pattern's text is followed by the value up to the next quote, space
// or comma.
func keep(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: keep NAME TEXT-BEFORE-IT")
	}
	_, rest, ok := strings.Cut(ts.ReadFile("stdout"), args[1])
	if !ok {
		ts.Fatalf("%q is not in the output", args[1])
	}
	rest = strings.TrimLeft(rest, "\": ")
	if i := strings.IndexAny(rest, "\", \n"); i >= 0 {
		rest = rest[:i]
	}
	ts.Setenv(args[0], rest)
}

// TestEveryCommandHasHelp: each command says what it does, with an example and
// the exit codes.
func TestEveryCommandHasHelp(t *testing.T) {
	root := newRoot()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			continue
		}
		t.Run(c.Name(), func(t *testing.T) {
			if c.Short == "" || c.Long == "" || c.Example == "" {
				t.Error("short, long or example is missing")
			}
			if !strings.Contains(c.Long, "Exit codes:") {
				t.Error("the exit codes are missing")
			}
			if !strings.Contains(c.Example, "berkas "+c.Name()) {
				t.Error("the example does not show the command")
			}
		})
	}
}

// TestREADME runs the commands of the README against a ledger with the history
// of 2020, in order.
func TestREADME(t *testing.T) {
	t.Parallel() // it mostly waits
	raw, err := os.ReadFile(repository(t, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(raw), "<!-- snippets:begin -->\n```sh\n")
	snippets, _, ok2 := strings.Cut(rest, "```\n<!-- snippets:end -->")
	if !ok || !ok2 {
		t.Fatal("README.md has no block of snippets")
	}
	runREADME(t, snippets)
}
