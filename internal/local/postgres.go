package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	postgresRole = "berkas"
	postgresDB   = "berkas"
	// stopPatience is how long a fast shutdown, which ends in a checkpoint, may
	// take before the server is stopped without one.
	stopPatience = 30 * time.Second
)

// PostgresConfig says where a private PostgreSQL lives.
type PostgresConfig struct {
	// Dir keeps the data and the password between runs. It is made if it is
	// missing. If root asks for a place that no ordinary user can reach, the
	// data goes to /var/lib/berkas and Dir keeps a file that says where.
	Dir string
	// BinDir has initdb and postgres; empty: the newest of
	// /usr/lib/postgresql/*/bin and the PATH that fits the data.
	BinDir string
	// Port on 127.0.0.1; 0: a free one, another at each start.
	Port int
	// Throwaway switches off all waiting for the disk. For tests only: a power
	// cut leaves nothing usable.
	Throwaway bool
	// Log gets the server's own messages; nil drops them.
	Log *slog.Logger
}

// Postgres is a running private server. It ends with Stop, or with this
// process, however that ends.
type Postgres struct {
	home   pgHome
	port   int
	secret string
	proc   *process
	lock   io.Closer
	stop   func() error

	bin    pgBin
	config PostgresConfig // Port is the one taken
}

// StartPostgres starts the server of cfg.Dir, on first use after making it,
// and returns when it takes queries. ctx bounds the start only.
//
// Errors: ErrNoPostgres with the command that installs it, ErrInUse, or what
// the server said last.
func StartPostgres(ctx context.Context, cfg PostgresConfig) (*Postgres, error) {
	p, err := startPostgres(ctx, cfg, debianBinDirs, elsewhere)
	if err != nil {
		return nil, fmt.Errorf("private PostgreSQL: %w", err)
	}
	return p, nil
}

func startPostgres(ctx context.Context, cfg PostgresConfig, pattern, away string) (_ *Postgres, err error) {
	if cfg.Dir == "" {
		return nil, errors.New("no directory given")
	}
	lock, err := lockDir(cfg.Dir, 0o755)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	home, err := openHome(cfg.Dir, away)
	if err != nil {
		return nil, err
	}
	major, err := dataVersion(home)
	if err != nil {
		return nil, err
	}
	bin, err := findPostgres(ctx, cfg.BinDir, pattern, major)
	if err != nil {
		return nil, err
	}
	log := logger(cfg.Log)
	secret, err := prepare(ctx, home, bin, cfg.Throwaway, log)
	if err != nil {
		return nil, err
	}
	p := &Postgres{home: home, secret: secret, lock: lock, bin: bin, config: cfg}
	p.stop = sync.OnceValue(p.stopNow)
	if err := p.launch(ctx, bin, cfg, log); err != nil {
		return nil, err
	}
	p.config.Port = p.port
	if err := p.createDatabase(ctx); err != nil {
		return nil, errors.Join(err, p.proc.stop(syscall.SIGINT, stopPatience))
	}
	log.InfoContext(ctx, "private PostgreSQL is ready", "address", p.Addr(), "data", home.data(), "version", bin.major)
	return p, nil
}

// URL is the connection string of the database berkas, password included: it
// belongs in no log and no error.
func (p *Postgres) URL() string { return p.DatabaseURL(postgresDB) }

// DatabaseURL is URL for another database of the same server.
func (p *Postgres) DatabaseURL(name string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(postgresRole, p.secret),
		Host: p.Addr(), Path: "/" + name, RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Addr is host and port, fit to be shown.
func (p *Postgres) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

// DataDir is where the data lies, which need not be under the directory that
// was asked for (see PostgresConfig.Dir).
func (p *Postgres) DataDir() string { return p.home.data() }

// Done is closed when the server has ended, asked or not.
func (p *Postgres) Done() <-chan struct{} { return p.proc.done }

// Keep starts the server again, at its address, whenever it ends without having
// been asked, as when the kernel runs out of memory and kills it. It returns when
// ctx ends, and has to have returned before Stop is called.
func (p *Postgres) Keep(ctx context.Context) {
	log := logger(p.config.Log)
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.proc.done:
		}
		log.ErrorContext(ctx, "the private PostgreSQL ended by itself; starting it again")
		for wait := time.Second; ; wait = min(2*wait, time.Minute) {
			err := endLeftover(ctx, p.home, log)
			if err == nil {
				err = p.launch(ctx, p.bin, p.config, log)
			}
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return
			}
			log.ErrorContext(ctx, "the private PostgreSQL does not start", "error", err, "retry_in", wait)
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
	}
}

// Stop ends all sessions, shuts the server down and waits for its end. Calling
// it again returns the first result.
func (p *Postgres) Stop() error { return p.stop() }

func (p *Postgres) stopNow() error {
	return errors.Join(p.proc.stop(syscall.SIGINT, stopPatience), p.lock.Close())
}

// dataVersion is the major version that made the data, 0 if there is none yet.
func dataVersion(home pgHome) (int, error) {
	text, err := os.ReadFile(filepath.Join(home.data(), "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// prepare makes the data directory if there is none, ends what a killed
// process left running over one, and returns the password.
func prepare(ctx context.Context, home pgHome, bin pgBin, throwaway bool, log *slog.Logger) (string, error) {
	text, err := os.ReadFile(home.password())
	secret := strings.TrimSpace(string(text))
	_, missing := os.Stat(home.data())
	switch {
	case missing == nil && err != nil:
		return "", fmt.Errorf("the data is there and its password is not; remove %s to begin anew, "+
			"the tables are made again from the ledger: %w", home.dir, err)
	case missing == nil:
		return secret, endLeftover(ctx, home, log)
	case !errors.Is(missing, os.ErrNotExist):
		return "", missing
	case errors.Is(err, os.ErrNotExist):
		secret = rand.Text()
		err = writeFile(home.password(), secret+"\n", 0o600, home.as)
	}
	if err != nil {
		return "", err
	}
	return secret, initdb(ctx, home, bin, throwaway)
}

// initdb works beside the final place and renames, so that a data directory is
// whole or not there.
func initdb(ctx context.Context, home pgHome, bin pgBin, throwaway bool) error {
	part := home.data() + ".new"
	if err := os.RemoveAll(part); err != nil {
		return err
	}
	if err := os.Mkdir(part, 0o700); err != nil {
		return err
	}
	if home.as != nil {
		if err := os.Chown(part, int(home.as.Uid), int(home.as.Gid)); err != nil {
			return err
		}
	}
	args := []string{
		"--pgdata=" + part, "--username=" + postgresRole, "--pwfile=" + home.password(),
		"--auth=scram-sha-256", "--data-checksums",
		"--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=und",
	}
	if throwaway {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin.dir, "initdb"), args...)
	cmd.Dir, cmd.Env = "/", serverEnv()
	cmd.SysProcAttr = childAttr(home.as)
	// A killed initdb must not leave its child writing into a directory that
	// the next start removes.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := runPinned(cmd)
	if err != nil {
		return fmt.Errorf("%s: %w: %s", cmd.Path, err, lastLines(string(out), 8))
	}
	return os.Rename(part, home.data())
}

// serverEnv is all the environment PostgreSQL gets: nothing of ours leaks into
// it, and messages come in English, which the reader of its log relies on.
func serverEnv() []string {
	return []string{"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", "TZ=UTC"}
}

// launch starts the server and waits until it says that it is ready. Between
// choosing a free port and taking it somebody else may take it, so that is
// tried again.
func (p *Postgres) launch(ctx context.Context, bin pgBin, cfg PostgresConfig, log *slog.Logger) error {
	for attempt := 1; ; attempt++ {
		if cfg.Port != 0 && cfg.Port != p.port { // written once: others read it while Keep launches
			p.port = cfg.Port
		}
		if cfg.Port == 0 {
			ports, err := freePorts(1)
			if err != nil {
				return err
			}
			p.port = ports[0]
		}
		cmd := exec.Command(filepath.Join(bin.dir, "postgres"), serverArgs(p.home, p.port, cfg.Throwaway)...)
		cmd.Dir, cmd.Env = "/", serverEnv()
		cmd.SysProcAttr = childAttr(p.home.as)
		proc, err := startProcess(cmd, log)
		if err != nil {
			return err
		}
		p.proc = proc
		select {
		case <-proc.ready:
			return nil
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), proc.stop(syscall.SIGQUIT, stopPatience))
		case <-proc.done:
		}
		last := proc.last()
		if cfg.Port == 0 && attempt < 5 && strings.Contains(last, "could not create any TCP/IP sockets") {
			continue
		}
		return fmt.Errorf("%s ended at its start: %s", cmd.Path, last)
	}
}

func serverArgs(home pgHome, port int, throwaway bool) []string {
	settings := []string{
		"listen_addresses=127.0.0.1",
		// No socket file: its path may not exceed 107 bytes, and one in a shared
		// directory would be in the way of the machine's own server.
		"unix_socket_directories=",
		"timezone=UTC", "log_timezone=UTC", "lc_messages=C",
		// Rows and parameters stay out of the log: errors only, without the
		// statement and without the DETAIL that quotes values.
		"log_error_verbosity=terse", "log_min_error_statement=panic", "log_statement=none",
	}
	if throwaway {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"autovacuum=off", "max_connections=300", "shared_buffers=64MB",
			"wal_level=minimal", "max_wal_senders=0", "max_wal_size=128MB")
	}
	args := []string{"-D", home.data(), "-p", strconv.Itoa(port)}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return args
}

// createDatabase makes the database berkas unless it is there. It is also the
// proof that the password in the file opens the server.
func (p *Postgres) createDatabase(ctx context.Context) (err error) {
	conn, err := pgx.Connect(ctx, p.DatabaseURL("postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	var there bool
	const q = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
	if err := conn.QueryRow(ctx, q, postgresDB).Scan(&there); err != nil || there {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE DATABASE "+postgresDB)
	return err
}
