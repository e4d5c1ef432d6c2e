package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// PageSize is how many bytes a page of PostgreSQL has.
const PageSize = 8192

// BadPage is a page of a stopped server's files whose checksum is wrong.
type BadPage struct {
	File  string // within the data directory
	Block int64  // from 0
}

// ErrNotStopped says that a server runs over the data, or that it did not end in
// order: its pages cannot be judged from outside.
var ErrNotStopped = errors.New("PostgreSQL's files are not those of a server that was shut down in order")

// PostgresData finds the data directory of a private server that has been made;
// fs.ErrNotExist if there is none.
func PostgresData(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	home := pgHome{dir: dir}
	if away, err := awayOf(dir); err != nil {
		return "", err
	} else if away != "" {
		home.dir = away
	}
	_, err = os.Stat(home.data())
	return home.data(), err
}

// badPage and unreadable are how pg_checksums names what it finds.
var (
	badPage    = regexp.MustCompile(`(?m)^pg_checksums: error: checksum verification failed in file "(.*)", block (\d+)`)
	unreadable = regexp.MustCompile(`(?m)^pg_checksums: error: (.*)$`)
)

// CheckPages reads every page of the stopped private server of a directory and
// changes nothing. ErrNotStopped, ErrNoPostgres and fs.ErrNotExist say why it
// could not; any other error is about the data.
func CheckPages(ctx context.Context, cfg PostgresConfig) (bad []BadPage, err error) {
	lock, err := lockDir(cfg.Dir, 0o755)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	data, err := PostgresData(cfg.Dir)
	if err != nil {
		return nil, err
	}
	bin, err := findPostgres(ctx, cfg.BinDir, debianBinDirs, 0)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(bin.dir, "pg_checksums"), "--check", "--pgdata="+data)
	cmd.Dir, cmd.Env = "/", serverEnv()
	out, err := runPinned(cmd)
	if err == nil || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return nil, fmt.Errorf("%w: pg_checksums: %w; %s", ErrNoPostgres, err, installHint)
	}
	text := string(out)
	for _, m := range badPage.FindAllStringSubmatch(text, -1) {
		block, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil {
			return nil, err
		}
		file, err := filepath.Rel(data, m[1])
		if err != nil {
			file = m[1]
		}
		bad = append(bad, BadPage{file, block})
	}
	if len(bad) > 0 {
		return bad, nil
	}
	if strings.Contains(text, "cluster must be shut down") {
		return nil, ErrNotStopped
	}
	if m := unreadable.FindStringSubmatch(text); m != nil {
		return nil, fmt.Errorf("pg_checksums: %s", m[1])
	}
	return nil, fmt.Errorf("pg_checksums: %s", lastLines(text, 3))
}
