package schemas

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/berkas-ledger/berkas/ledger"
)

// Example gives the data of an accepted example, n counted from 1: the first is
// the least an event can say, the second everything. Sealed values in it are
// bound to the place that examples/README.md names, so an event made from it
// has to seal its own. The error wraps fs.ErrNotExist when there is none.
func Example(kind ledger.Kind, version, n int) ([]byte, error) {
	raw, err := files.ReadFile(fmt.Sprintf("examples/%s/accepted-%d.json", name{kind, version}, n))
	if err != nil {
		return nil, fmt.Errorf("example: %w", err)
	}
	return raw, nil
}

// RefusedExample is data that a schema refuses.
type RefusedExample struct {
	Name    string         `json:"-"`       // of the file, for instance "refused-1-office"
	Pointer string         `json:"pointer"` // the one place of all its problems, relative to the data
	Why     string         `json:"why"`
	Data    jsontext.Value `json:"data"`
}

// RefusedExamples lists the refused examples of a kind and version in order
// of their file names. The error wraps fs.ErrNotExist for a kind or version without any.
func RefusedExamples(kind ledger.Kind, version int) ([]RefusedExample, error) {
	dir := "examples/" + name{kind, version}.String()
	entries, err := fs.ReadDir(files, dir)
	if err != nil {
		return nil, fmt.Errorf("refused examples: %w", err)
	}
	var out []RefusedExample
	for _, e := range entries {
		n := strings.TrimSuffix(e.Name(), ".json")
		if !strings.HasPrefix(n, "refused-") {
			continue
		}
		raw, err := files.ReadFile(path.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("refused examples: %w", err)
		}
		x := RefusedExample{Name: n}
		if err := json.Unmarshal(raw, &x, json.RejectUnknownMembers(true)); err != nil {
			return nil, fmt.Errorf("refused example %s/%s: %w", dir, n, err)
		}
		out = append(out, x)
	}
	return out, nil
}
