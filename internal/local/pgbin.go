package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// OldestPostgres is the oldest major version whose initdb knows the ICU
// options used here, and the oldest one that is tested.
const OldestPostgres = 15

// ErrNoPostgres says that the machine has no PostgreSQL that can be used. The
// error it is wrapped in names the command that installs one.
var ErrNoPostgres = errors.New("PostgreSQL's server programs were not found")

const installHint = "install them with: sudo apt-get install postgresql"

// debianBinDirs is where Debian and Ubuntu put initdb and postgres; they are
// not on the PATH there.
const debianBinDirs = "/usr/lib/postgresql/*/bin"

// pgBin is a directory with PostgreSQL's server programs.
type pgBin struct {
	dir   string
	major int
}

// findPostgres finds the programs to use. A directory that was asked for is
// taken as it is. Otherwise major (0: any) chooses among the machine's own,
// because a data directory can only be opened by the version that made it,
// and the newest wins.
func findPostgres(ctx context.Context, asked, pattern string, major int) (pgBin, error) {
	found, err := listPostgres(ctx, asked, pattern)
	if err != nil {
		return pgBin{}, err
	}
	var best pgBin
	for _, b := range found {
		if b.major > best.major && (major == 0 || b.major == major) {
			best = b
		}
	}
	switch {
	case best.major >= OldestPostgres:
		return best, nil
	case major != 0 && len(found) > 0:
		return pgBin{}, fmt.Errorf("%w: the data was made by version %d and only others are installed "+
			"(sudo apt-get install postgresql-%d, or remove the data: it is made anew from the ledger)",
			ErrNoPostgres, major, major)
	case best.major > 0:
		return pgBin{}, fmt.Errorf("%w: %s has version %d and at least %d is needed; %s",
			ErrNoPostgres, best.dir, best.major, OldestPostgres, installHint)
	case asked != "":
		return pgBin{}, fmt.Errorf("%w in %s, the directory that was asked for; %s",
			ErrNoPostgres, asked, installHint)
	default:
		return pgBin{}, fmt.Errorf("%w in %s or on the PATH; %s", ErrNoPostgres, pattern, installHint)
	}
}

func listPostgres(ctx context.Context, asked, pattern string) ([]pgBin, error) {
	dirs := []string{asked}
	if asked == "" {
		var err error
		if dirs, err = filepath.Glob(pattern); err != nil {
			return nil, fmt.Errorf("look for PostgreSQL: %w", err)
		}
		// A link on the PATH does not lie beside the programs and the share
		// directory that it belongs to.
		if p, err := exec.LookPath("initdb"); err == nil {
			if p, err = filepath.EvalSymlinks(p); err == nil {
				dirs = append(dirs, filepath.Dir(p))
			}
		}
	}
	var found []pgBin
	for _, dir := range dirs {
		// An upgrade of Debian leaves directories with some programs only.
		if _, err := os.Stat(filepath.Join(dir, "postgres")); err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, filepath.Join(dir, "initdb"), "--version").Output()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			continue
		}
		if major, ok := parseMajor(string(out)); ok {
			found = append(found, pgBin{dir: dir, major: major})
		}
	}
	return found, nil
}

// parseMajor reads 15 from "initdb (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)"
// and from "initdb (PostgreSQL) 15beta1".
func parseMajor(version string) (int, bool) {
	_, rest, ok := strings.Cut(version, "(PostgreSQL) ")
	if !ok {
		return 0, false
	}
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	major, err := strconv.Atoi(rest[:end])
	return major, err == nil
}
