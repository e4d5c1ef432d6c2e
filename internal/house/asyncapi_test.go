package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestAsyncAPIIsSound lints schemas/asyncapi.json with the official parser.
func TestAsyncAPIIsSound(t *testing.T) {
	lint := filepath.Join(root, "scripts", "asyncapi")
	if _, err := os.Stat(filepath.Join(lint, "node_modules", "@asyncapi", "parser")); err != nil {
		t.Fatal("the linter is missing: scripts/need.sh node && scripts/modules.sh scripts/asyncapi")
	}
	// Read here too, so that a change makes the test run again.
	for _, name := range []string{"schemas/asyncapi.json", "scripts/asyncapi/lint.mjs", "scripts/asyncapi/package-lock.json"} {
		readFile(t, name)
	}
	out, err := exec.CommandContext(t.Context(), "node", filepath.Join(lint, "lint.mjs"), filepath.Join(root, "schemas", "asyncapi.json")).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
