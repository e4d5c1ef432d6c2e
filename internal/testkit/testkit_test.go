package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { Main(m) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func mustExec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

func TestDatabasesAreApart(t *testing.T) {
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			mustExec(t, connect(t, DB(t)), "CREATE TABLE mine (x int)") // fails if it is there
		})
	}
}

// TestDatabaseOutlivesNoTest: not even one that still has a connection.
func TestDatabaseOutlivesNoTest(t *testing.T) {
	var url string
	t.Run("inner", func(inner *testing.T) {
		url = DB(inner)
		connect(t, url) // closed at the end of the outer test
	})
	conn, err := pgx.Connect(t.Context(), url)
	if err == nil {
		conn.Close(t.Context())
	}
	if err == nil || !strings.Contains(err.Error(), "3D000") {
		t.Errorf("the database after its test: %v, want 3D000", err)
	}
}

func TestTemplateIsBuiltOnce(t *testing.T) {
	built := 0
	build := func(url string) error {
		built++
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return err
		}
		_, err = conn.Exec(t.Context(), "CREATE TABLE given AS SELECT 42 AS x")
		return errors.Join(err, conn.Close(t.Context()))
	}
	for range 3 {
		conn := connect(t, Template(t, "given", build))
		var x int
		if err := conn.QueryRow(t.Context(), "SELECT x FROM given").Scan(&x); err != nil || x != 42 {
			t.Fatalf("the copy has %d, %v", x, err)
		}
		mustExec(t, conn, "UPDATE given SET x = 0") // in this copy only
	}
	if built != 1 {
		t.Errorf("built %d times", built)
	}
}

func TestTemplateThatFails(t *testing.T) {
	for _, tt := range []struct {
		name  string
		build func(url string) error
		want  string
	}{
		{"error", func(string) error { return errors.New("no such luck") }, "no such luck"},
		{"open", func(url string) error { connect(t, url); return nil }, "being accessed by other users"},
	} {
		for range 2 { // the second time from memory
			_, err := shared.create(t.Context(), "template_"+tt.name, tt.build)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
			}
		}
	}
}

func TestNATSAndCluster(t *testing.T) {
	for _, tt := range []struct {
		name     string
		url      string
		replicas int
	}{
		{"one", NATS(t).ClientURL(), 1},
		{"three", Cluster(t, 3).ClientURL(), 3},
	} {
		nc, err := nats.Connect(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		cfg := jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: tt.replicas}
		if _, err := js.CreateStream(t.Context(), cfg); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		ack, err := js.Publish(t.Context(), "s", nil)
		if err != nil || ack.Sequence != 1 {
			t.Errorf("%s: %+v, %v", tt.name, ack, err)
		}
	}
}

// TestWithoutPostgres runs a test that needs a database where there are no
// programs: it must fail, not be skipped, and say what to type.
func TestWithoutPostgres(t *testing.T) {
	out, err := again(t, "TestDatabasesAreApart", "PG_BINDIR="+t.TempDir())
	if err == nil || !strings.Contains(out, "sudo apt-get install postgresql") || !strings.Contains(out, "--- FAIL") {
		t.Errorf("without PostgreSQL: %v\n%s", err, out)
	}
}

func TestForgottenServersGo(t *testing.T) {
	root := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for _, name := range []string{"dead", "alive", "new", "unlocked"} {
		dir := filepath.Join(root, dirPrefix+name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if name != "unlocked" {
			f, err := os.Create(filepath.Join(dir, "lock"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if name == "alive" {
				if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
					t.Fatal(err)
				}
			}
		}
		if name == "new" {
			continue
		}
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := removeForgotten(root); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(root, "*"))
	want := []string{filepath.Join(root, dirPrefix+"alive"), filepath.Join(root, dirPrefix+"new")}
	if err != nil || !slices.Equal(left, want) {
		t.Errorf("left are %q (%v), want %q", left, err, want)
	}
}

func TestNeedsMain(t *testing.T) {
	var s server
	if _, err := s.create(t.Context(), "template1", nil); err == nil || !strings.Contains(err.Error(), "testkit.Main(m)") {
		t.Errorf("without Main: %v", err)
	}
}

func TestLeftGoroutineFailsTheRun(t *testing.T) {
	if os.Getenv("TESTKIT_LEAK") != "" {
		go func() { select {} }()
		return
	}
	out, err := again(t, "TestLeftGoroutineFailsTheRun", "TESTKIT_LEAK=1")
	if err == nil || !strings.Contains(out, "goroutines are left") {
		t.Errorf("with a goroutine left: %v\n%s", err, out)
	}
}

// again runs this test program for one test in another environment.
func again(t *testing.T, test, env string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), env)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestLogIsSilentAfterItsTest(t *testing.T) {
	var late func()
	t.Run("inner", func(t *testing.T) {
		log := Log(t)
		late = func() { log.Error("too late") }
		late()
	})
	late() // would panic
}

func BenchmarkDB(b *testing.B) {
	for range b.N {
		name, err := shared.create(b.Context(), "template1", nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := shared.drop(b.Context(), name); err != nil {
			b.Fatal(err)
		}
	}
}
