package testkit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"github.com/berkas-ledger/berkas/internal/local"
)

// shared is the test program's one PostgreSQL. It is a global because TestMain
// ends what a test began, and Go gives the two nothing else in common.
var shared server

// server is started by the first test that asks for a database.
type server struct {
	mu        sync.Mutex
	allowed   bool // Main runs and will stop it
	dir       string
	err       error // why it could not be started; not tried again
	pg        *local.Postgres
	admin     *pgx.Conn
	databases int
	templates map[string]error // by the name of their database
}

// DB makes an empty database for this test, which is dropped at its end, and
// returns its URL. The first call of a test program starts the server, in half
// a second; a database takes 10 to 50 ms (200 ms and more where the files
// cannot lie in memory and the disk is slow).
//
// PG_BINDIR, if set, is where PostgreSQL's programs are.
func DB(t testing.TB) string {
	t.Helper()
	return database(t, "template1", nil)
}

// Template is DB for a database that is not empty: build fills one, given its
// URL, the first time that the test program asks for that name, and every test
// gets a copy. build must close its connections.
func Template(t testing.TB, name string, build func(url string) error) string {
	t.Helper()
	return database(t, "template_"+name, build)
}

func database(t testing.TB, template string, build func(url string) error) string {
	t.Helper()
	name, err := shared.create(t.Context(), template, build)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test's context has ended by now.
		if err := shared.drop(context.Background(), name); err != nil {
			t.Error(err)
		}
	})
	return shared.pg.DatabaseURL(name)
}

func (s *server) allow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allowed = true
}

func (s *server) create(ctx context.Context, template string, build func(url string) error) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(ctx); err != nil {
		return "", err
	}
	if build != nil {
		if err := s.buildTemplate(ctx, template, build); err != nil {
			return "", err
		}
	}
	s.databases++
	name := fmt.Sprintf("test_%d", s.databases)
	if err := s.exec(ctx, "CREATE DATABASE %s TEMPLATE %s", name, template); err != nil {
		return "", fmt.Errorf("testkit: make a database: %w", err)
	}
	return name, nil
}

// start starts the server unless it runs; s.mu is held.
func (s *server) start(ctx context.Context) error {
	if !s.allowed {
		return errors.New("testkit: the package needs: func TestMain(m *testing.M) { testkit.Main(m) }")
	}
	if s.pg != nil || s.err != nil {
		return s.err
	}
	s.err = s.startNow(ctx)
	return s.err
}

func (s *server) startNow(ctx context.Context) (err error) {
	root := serverRoot()
	if err := removeForgotten(root); err != nil {
		return err
	}
	if s.dir, err = os.MkdirTemp(root, dirPrefix); err != nil {
		return err
	}
	// As root the server runs as another user, who must be able to get there.
	if err := os.Chmod(s.dir, 0o755); err != nil {
		return err
	}
	s.pg, err = local.StartPostgres(ctx, local.PostgresConfig{
		Dir: s.dir, BinDir: os.Getenv("PG_BINDIR"), Throwaway: true,
	})
	if err != nil {
		return err
	}
	// The connection serves tests to come, so no test's end may cut it.
	s.admin, err = pgx.Connect(context.WithoutCancel(ctx), s.pg.DatabaseURL("postgres"))
	return err
}

// buildTemplate makes a template unless that was tried before; s.mu is held.
func (s *server) buildTemplate(ctx context.Context, name string, build func(url string) error) error {
	if err, tried := s.templates[name]; tried {
		return err
	}
	err := s.exec(ctx, "CREATE DATABASE %s", name)
	if err == nil {
		err = build(s.pg.DatabaseURL(name))
	}
	if err == nil {
		// A connection that build forgot would make every copy fail, later and
		// with a worse message.
		err = s.exec(ctx, "ALTER DATABASE %s RENAME TO %s", name, name+"_")
	}
	if err == nil {
		err = s.exec(ctx, "ALTER DATABASE %s RENAME TO %s", name+"_", name)
	}
	if err != nil {
		err = fmt.Errorf("testkit: build %s: %w", name, err)
	}
	if s.templates == nil {
		s.templates = map[string]error{}
	}
	s.templates[name] = err
	return err
}

func (s *server) drop(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exec(ctx, "DROP DATABASE %s WITH (FORCE)", name)
}

// exec runs a command about databases, whose names cannot be parameters.
func (s *server) exec(ctx context.Context, command string, names ...string) error {
	quoted := make([]any, len(names))
	for i, name := range names {
		quoted[i] = pgx.Identifier{name}.Sanitize()
	}
	_, err := s.admin.Exec(ctx, fmt.Sprintf(command, quoted...))
	return err
}

func (s *server) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	if s.admin != nil {
		errs = append(errs, s.admin.Close(context.Background()))
	}
	if s.pg != nil {
		errs = append(errs, s.pg.Stop())
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	s.allowed = false
	return errors.Join(errs...)
}

const (
	dirPrefix = "berkas-testkit-"
	// memory is where files are made in a fraction of the time; a database is
	// three hundred of them.
	memory = "/dev/shm"
	// memoryNeeded is far more than the tests of one package use. In a
	// container the place is often tiny.
	memoryNeeded = 1 << 30
)

// serverRoot is where the server's files go.
func serverRoot() string {
	var fs unix.Statfs_t
	if unix.Statfs(memory, &fs) == nil && fs.Bavail*uint64(fs.Bsize) >= memoryNeeded &&
		unix.Access(memory, unix.W_OK|unix.X_OK) == nil {
		return memory
	}
	return os.TempDir()
}

// removeForgotten removes what test programs left that were killed or ran into
// their time limit: their server ends with them, its files do not.
func removeForgotten(root string) error {
	dirs, err := filepath.Glob(filepath.Join(root, dirPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		// One that was just made may not be locked yet.
		if time.Since(info.ModTime()) > time.Minute && !inUse(dir) {
			if err := os.RemoveAll(dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// inUse tells whether a process holds the lock that local takes on a
// directory.
func inUse(dir string) bool {
	f, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist) // another user's is not ours to judge
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil
}
