package house

import (
	"slices"
	"strings"
	"testing"
)

// TestCIRunsTheReadmesCommands: what README.md tells a newcomer to type first is what
// continuous integration runs, letter for letter but for what follows the target.
func TestCIRunsTheReadmesCommands(t *testing.T) {
	first := shellBlock.FindStringSubmatch(string(readFile(t, "README.md")))
	if first == nil {
		t.Fatal("README.md has no block of commands")
	}
	lines := strings.Split(string(readFile(t, ".ci/run")), "\n")
	commands := 0
	for _, line := range strings.Split(strings.TrimSpace(first[1]), "\n") {
		command, _, _ := strings.Cut(line, "#")
		command = strings.TrimSpace(command)
		commands++
		if !slices.ContainsFunc(lines, func(l string) bool { return l == "step "+command || strings.HasPrefix(l, "step "+command+" ") }) {
			t.Errorf(".ci/run has no step %q", command)
		}
	}
	if commands != 2 {
		t.Errorf("README.md begins with %d commands, not two", commands)
	}
}
