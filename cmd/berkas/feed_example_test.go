package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestFeedExample follows a running ledger with the program in JavaScript, which
// is ended and started again: together it prints what replay prints.
func TestFeedExample(t *testing.T) {
	needTools(t)
	dir, h := rehearse(t)
	readAll(t, repository(t, "examples", "agency-node"))
	raw, err := os.ReadFile(filepath.Join(dir, "access.json"))
	if err != nil {
		t.Fatal(err)
	}
	var where access
	if err := json.Unmarshal(raw, &where); err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	records := toldBy(t, "--data", h.dir)
	for _, r := range records {
		want.WriteString(strconv.FormatUint(uint64(r.Position), 10) + " " + r.Leaf + "\n")
	}
	var got strings.Builder
	for _, most := range []int{3, len(records) - 3} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, "node", repository(t, "examples", "agency-node", "feed.mjs"), where.HTTP, filepath.Join(dir, "position.txt"), strconv.Itoa(most))
		cmd.Stderr, cmd.WaitDelay = os.Stderr, time.Second
		out, err := cmd.Output()
		cancel()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for line := range strings.Lines(string(out)) {
			words := strings.Fields(line)
			if len(words) != 4 || !strings.Contains(words[1], ".") {
				t.Fatalf("it said %q", line)
			}
			got.WriteString(words[0] + " " + words[3] + "\n")
		}
	}
	if got.String() != want.String() {
		t.Errorf("the feed said\n%s, the ledger has\n%s", got.String(), want.String())
	}
}
