package local

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestClosedToNamesTheDirectoryInTheWay(t *testing.T) {
	open := openDir(t)
	shut := filepath.Join(open, "home")
	inner := filepath.Join(shut, "berkas", "pg")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	stranger := &syscall.Credential{Uid: 65534, Gid: 65534}
	for _, tt := range []struct {
		mode os.FileMode
		dir  string
		want string
	}{
		{0o755, inner, ""},
		{0o711, inner, ""},
		{0o700, inner, shut},
		{0o710, inner, shut},
		{0o700, open, ""},
	} {
		if err := os.Chmod(shut, tt.mode); err != nil {
			t.Fatal(err)
		}
		got, err := closedTo(stranger, tt.dir)
		if err != nil || got != tt.want {
			t.Errorf("mode %v, %s: %q, %v; want %q", tt.mode, tt.dir, got, err, tt.want)
		}
	}
	self := &syscall.Credential{Uid: uint32(os.Geteuid()), Gid: uint32(os.Getegid())}
	if err := os.Chmod(shut, 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := closedTo(self, inner); err != nil || got != "" {
		t.Errorf("to its owner: %q, %v", got, err)
	}
}

// TestPostgresUnderAClosedHome: for root the data goes elsewhere, for anybody
// else it stays, and both find it again. Removing the directory begins anew.
func TestPostgresUnderAClosedHome(t *testing.T) {
	home, away := openDir(t), openDir(t)
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg := pgConfig(filepath.Join(home, "data", "pg"))
	wantUnder := cfg.Dir
	if os.Geteuid() == 0 {
		wantUnder = away
	}
	start := func() *Postgres {
		t.Helper()
		p, err := startPostgres(t.Context(), cfg, debianBinDirs, away)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(p.DataDir(), wantUnder+"/") {
			t.Errorf("the data lies in %s, want it under %s", p.DataDir(), wantUnder)
		}
		return p
	}
	stop := func(p *Postgres) {
		t.Helper()
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	p := start()
	exec1(t, p.URL(), "CREATE TABLE kept AS SELECT 'found again' AS v")
	stop(p)
	p = start()
	if got := query(t, p.URL(), "SELECT v FROM kept"); got != "found again" {
		t.Errorf("the table has %q", got)
	}
	stop(p)
	if err := os.RemoveAll(cfg.Dir); err != nil {
		t.Fatal(err)
	}
	p = start()
	const gone = "SELECT coalesce(to_regclass('kept')::text, 'gone')"
	if got := query(t, p.URL(), gone); got != "gone" {
		t.Error("the tables are still there after the directory was removed")
	}
	stop(p)
	homes, err := filepath.Glob(filepath.Join(away, "postgres-*"))
	if err != nil || len(homes) > 1 {
		t.Errorf("what was left elsewhere is still there: %q (%v)", homes, err)
	}
}

// TestSweepTakesOnlyWhatIsNobodys: also without being root.
func TestSweepTakesOnlyWhatIsNobodys(t *testing.T) {
	away, kept, gone := openDir(t), openDir(t), openDir(t)
	keptHome, err := awayFrom(kept, away)
	if err != nil {
		t.Fatal(err)
	}
	goneHome, err := awayFrom(gone, away)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(gone, locationFile)); err != nil {
		t.Fatal(err)
	}
	if again, err := awayFrom(kept, away); err != nil || again != keptHome {
		t.Errorf("%q, %v; want the same home again", again, err)
	}
	if _, err := awayFrom(gone, away); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(keptHome); err != nil {
		t.Errorf("a home in use is gone: %v", err)
	}
	if _, err := os.Stat(goneHome); !os.IsNotExist(err) {
		t.Errorf("a home that is nobody's is still there: %v", err)
	}
}

// TestAwayOfCopyAndMove: a copied directory gets a home of its own, a moved one
// keeps its home, and one whose home is gone gets another.
func TestAwayOfCopyAndMove(t *testing.T) {
	away, root := openDir(t), openDir(t)
	dir, copied, moved := filepath.Join(root, "dir"), filepath.Join(root, "copied"), filepath.Join(root, "moved")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	find := func(dir string) string {
		t.Helper()
		home, err := awayFrom(dir, away)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(home); err != nil {
			t.Error(err)
		}
		return home
	}
	first := find(dir)
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	other := find(copied)
	if other == first {
		t.Error("a copy got the home of the directory it was copied from")
	}
	if find(copied) != other || find(dir) != first {
		t.Error("a home was not found again")
	}
	link := filepath.Join(root, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if find(link) != first {
		t.Error("by another path the directory got another home")
	}
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if find(moved) != first || find(copied) != other {
		t.Error("the home did not move with its directory")
	}
	if err := os.RemoveAll(first); err != nil {
		t.Fatal(err)
	}
	if find(moved) == first {
		t.Error("a home that is gone was found")
	}
}
