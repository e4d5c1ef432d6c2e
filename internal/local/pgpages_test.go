package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestCheckPages finds a flipped bit in a table's file, and nothing without.
func TestCheckPages(t *testing.T) {
	cfg := pgConfig(openDir(t))
	if _, err := CheckPages(t.Context(), cfg); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("without data: %v", err)
	}
	p, err := StartPostgres(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), p.URL())
	if err != nil {
		t.Fatal(err)
	}
	var file string
	if _, err := conn.Exec(t.Context(), "CREATE TABLE t AS SELECT generate_series(1, 5000) AS n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRow(t.Context(), "SELECT pg_relation_filepath('t')").Scan(&file); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := CheckPages(t.Context(), cfg); !errors.Is(err, ErrInUse) {
		t.Errorf("while it runs: %v", err)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if bad, err := CheckPages(t.Context(), cfg); err != nil || len(bad) > 0 {
		t.Fatalf("sound pages: %v, %v", bad, err)
	}
	path := filepath.Join(p.DataDir(), file)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[2*PageSize+4000] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	bad, err := CheckPages(t.Context(), cfg)
	if err != nil || len(bad) != 1 || bad[0].File != file || bad[0].Block != 2 {
		t.Errorf("a flipped bit: %v, %v; want block 2 of %s", bad, err, file)
	}
}
