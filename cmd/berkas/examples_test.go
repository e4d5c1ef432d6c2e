package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// agencyPrograms are the commands by which docs/emit.md runs the examples, and
// the folders they are in.
var agencyPrograms = map[string]string{
	"agency-go":   "go run ./examples/agency-go access.json outbox",
	"agency-node": "node examples/agency-node/agency.mjs access.json",
	"agency-sh":   "BERKAS=bin/berkas examples/agency-sh/agency.sh access.json",
}

// agencyProgramSaid is what each of them prints, word for word.
var agencyProgramSaid = regexp.MustCompile(`^case (\S+)
event (\S+)
sent twice, one receipt
admitted at position (\d+), leaf ([0-9a-f]{64})
refused at position (\d+): schema-violation at /data/respondents/0/employment
$`)

// told is a line of berkas replay.
type told struct {
	Position ledger.Position `json:"position"`
	Leaf     string          `json:"leaf"`
	Event    struct {
		ID   string `json:"id"`
		Data struct {
			Agency   ledger.AgencyID `json:"agency"`
			Reason   ledger.Code     `json:"reason"`
			Pointers []string        `json:"pointers"`
		} `json:"data"`
	} `json:"event"`
}

func toldBy(t *testing.T, args ...string) []told {
	t.Helper()
	var out []told
	lines := bufio.NewScanner(strings.NewReader(berkas(t, append([]string{"replay"}, args...)...)))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r told
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// needTools fails with the command that installs what is missing.
func needTools(t *testing.T) {
	t.Helper()
	for tool, install := range map[string]string{
		"openssl": "scripts/need.sh openssl", "curl": "scripts/need.sh curl", "node": "scripts/need.sh node",
	} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing: %s", tool, install)
		}
	}
	if _, err := os.Stat(repository(t, "examples", "agency-node", "node_modules", "cloudevents")); err != nil {
		t.Fatal("the packages of examples/agency-node are missing: scripts/modules.sh examples/agency-node")
	}
}

// rehearse starts a ledger in a folder like the repository's, with the contest
// that the examples' cases are about, and writes access.json beside it.
func rehearse(t *testing.T) (dir string, h home) {
	dir = folder(t)
	h = background(t, dir, "is running", "dev")
	berkas(t, "emit", "--data", h.dir, "--agency", "bawaslu", "--kind", "contest.published", "--case", "pilkada-2020",
		repository(t, "schemas", "examples", "contest.published.v1", "accepted-1.json"))
	text := berkas(t, "access", "--data", h.dir, "bawaslu", "-o", "json")
	if err := os.WriteFile(filepath.Join(dir, "access.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, h
}

// TestAgencyPrograms runs the programs that an agency would write in three
// languages, and compares what they print with what stands on the ledger.
func TestAgencyPrograms(t *testing.T) {
	needTools(t)
	dir, h := rehearse(t)
	for name, command := range agencyPrograms {
		t.Run(name, func(t *testing.T) {
			readAll(t, repository(t, "examples", name))
			command := strings.NewReplacer(
				"access.json", filepath.Join(dir, "access.json"), " outbox", " "+filepath.Join(dir, "outbox"), "bin/berkas", filepath.Join(dir, "bin", "berkas"),
			).Replace(command)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "bash", "-c", "exec env "+command)
			cmd.Dir, cmd.Stderr, cmd.WaitDelay = repository(t), os.Stderr, time.Second
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%s: %v\n%s", command, err, out)
			}
			said := agencyProgramSaid.FindStringSubmatch(string(out))
			if said == nil {
				t.Fatalf("it said something else:\n%s", out)
			}
			compareWithLedger(t, h, said)
		})
	}
}

func compareWithLedger(t *testing.T, h home, said []string) {
	t.Helper()
	caseID, event, leaf := said[1], said[2], said[4]
	records := toldBy(t, "--data", h.dir, "--case", caseID)
	if len(records) != 1 {
		t.Fatalf("the case has %d records; the same bytes were recorded twice or not at all", len(records))
	}
	r := records[0]
	if strconv.FormatUint(uint64(r.Position), 10) != said[3] || r.Leaf != leaf || r.Event.ID != event {
		t.Errorf("the program said %q, the ledger has %+v", said[1:], r)
	}
	opened := berkas(t, "open", "--data", h.dir, "--case", caseID, "--event", event, "--pointer", "/data/respondents/0/identity",
		"--agency", "bawaslu", "--officer", "intake-17", "--reason", "case-handling")
	if strings.TrimSpace(opened) != `{"name":"Contoh Satu"}` {
		t.Errorf("sealed was something else: %s", opened)
	}
	refusals := toldBy(t, "--data", h.dir, "--from", said[5], "--limit", "1")
	if len(refusals) != 1 {
		t.Fatal("the refusal does not stand where the receipt says")
	}
	d := refusals[0].Event.Data
	if d.Agency != ledger.Bawaslu || d.Reason != ledger.CodeSchema || len(d.Pointers) != 1 || d.Pointers[0] != "/data/respondents/0/employment" {
		t.Errorf("the ledger has another refusal: %+v", d)
	}
}

// readAll opens an example's files, so that a change of them makes this test run
// again: Go's cache of test results does not see what other programs read.
func readAll(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			if _, err := os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
}
