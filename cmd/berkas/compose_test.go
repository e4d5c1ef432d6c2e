package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/berkas-ledger/berkas/internal/testkit"
)

// compose is what the tests look at in docker-compose.yml.
type compose struct {
	Services map[string]composeService
	Volumes  map[string]any
	Secrets  map[string]struct{ File string }
}

type composeService struct {
	Image, User string
	Command     []string
	ReadOnly    bool     `json:"read_only"`
	CapDrop     []string `json:"cap_drop"`
	Security    []string `json:"security_opt"`
	Restart     string
	Environment map[string]string
	Volumes     []string
	Secrets     []string
	Ports       []string
	Healthcheck *struct{ Test []string }
	DependsOn   map[string]struct{ Condition string } `json:"depends_on"`
}

func readCompose(t *testing.T) compose {
	t.Helper()
	needTools(t)
	file := repository(t, "docker-compose.yml")
	if _, err := os.ReadFile(file); err != nil { // so that a change makes the test run again
		t.Fatal(err)
	}
	if _, err := os.Stat(repository(t, "scripts", "asyncapi", "node_modules", "js-yaml")); err != nil {
		t.Fatal("a YAML reader is missing: scripts/modules.sh scripts/asyncapi")
	}
	text, err := exec.CommandContext(t.Context(), "node", repository(t, "scripts", "asyncapi", "yaml.mjs"), file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var c compose
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

var pinned = regexp.MustCompile(`^(berkas:local|[a-z]+:[0-9]+\.[0-9]+(\.[0-9]+)?-[a-z0-9]+)$`)

// TestComposeIsContained: no container has more rights than it needs, and nothing
// is published to others than this machine.
func TestComposeIsContained(t *testing.T) {
	c := readCompose(t)
	for name, s := range c.Services {
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.Security, []string{"no-new-privileges:true"}) {
			t.Errorf("%s is not contained: %+v", name, s)
		}
		if uid, _, _ := strings.Cut(s.User, ":"); uid == "" || uid == "0" || uid == "root" {
			t.Errorf("%s runs as %q", name, s.User)
		}
		if !pinned.MatchString(s.Image) {
			t.Errorf("%s: the image %s is not pinned", name, s.Image)
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s publishes %s to everybody", name, p)
			}
		}
		if s.Restart != "no" && (s.Healthcheck == nil || s.Healthcheck.Test[0] != "CMD") {
			t.Errorf("%s has no health check", name)
		}
		for _, v := range s.Volumes {
			if source, _, _ := strings.Cut(v, ":"); !hasKey(c.Volumes, source) {
				t.Errorf("%s mounts %s, which is no named volume", name, v)
			}
		}
		for _, secret := range s.Secrets {
			if c.Secrets[secret].File == "" {
				t.Errorf("%s wants the secret %s, which is none", name, secret)
			}
		}
		for other := range s.DependsOn {
			if !hasKey(c.Services, other) {
				t.Errorf("%s depends on %s, which is none", name, other)
			}
		}
	}
	if !slices.Contains(c.Services["postgres"].Volumes, "postgres:/var/lib/postgresql") {
		t.Error("since version 18 the volume belongs at /var/lib/postgresql")
	}
}

func hasKey[V any](m map[string]V, key string) bool {
	_, ok := m[key]
	return ok
}

// TestComposeRuns types the commands of docker-compose.yml, with the paths and
// addresses of this machine in place of the containers', in the order in which
// the file lets them start.
func TestComposeRuns(t *testing.T) {
	c := readCompose(t)
	dir := t.TempDir()
	for _, d := range []string{"ledger", "nats-config", "nats"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	ports := freePorts(t, 2)
	here := strings.NewReplacer(
		"/var/lib/berkas", filepath.Join(dir, "ledger"), "/etc/nats", filepath.Join(dir, "nats-config"), "/var/lib/nats", filepath.Join(dir, "nats"),
		"nats://nats:4222", fmt.Sprintf("nats://127.0.0.1:%d", ports[0]), "0.0.0.0:4222", fmt.Sprintf("127.0.0.1:%d", ports[0]),
		"0.0.0.0:8080", fmt.Sprintf("127.0.0.1:%d", ports[1]), "127.0.0.1:8080", fmt.Sprintf("127.0.0.1:%d", ports[1]),
	)
	local := func(args []string) []string {
		out := make([]string, len(args))
		for i, a := range args {
			out[i] = here.Replace(a)
		}
		return out
	}
	for name, value := range c.Services["berkas"].Environment {
		t.Setenv(name, here.Replace(value))
	}
	t.Setenv("DATABASE_URL", testkit.DB(t))

	for range 2 { // before every start
		berkas(t, local(c.Services["prepare"].Command)...)
	}
	mounted := local(c.Services["nats"].Command)[1]
	printed := berkas(t, "nats-config", "--cluster", "", "--listen", here.Replace("0.0.0.0:4222"), "--store", here.Replace("/var/lib/nats"))
	if text, err := os.ReadFile(mounted); err != nil || string(text) != printed {
		t.Errorf("NATS is started with another configuration than berkas nats-config prints: %v", err)
	}
	runNATS(t, local(c.Services["nats"].Command))
	serving := serveWith(t, "Every institution has its key", local(c.Services["berkas"].Command))
	health := local(c.Services["berkas"].Healthcheck.Test)
	if health[0] != "CMD" || health[1] != "/usr/local/bin/berkas" {
		t.Fatalf("the health check is %q", health)
	}
	if out := berkas(t, health[2:]...); !strings.Contains(out, `"ready":true`) {
		t.Errorf("not ready: %s", out)
	}
	serving()
	cmd := exec.CommandContext(t.Context(), os.Args[0], health[2:]...)
	cmd.Args[0] = "berkas"
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != exitUnreachable {
		t.Errorf("healthy after its end: %v", err)
	}
}

// runNATS runs a server on a command line of nats-server.
func runNATS(t *testing.T, args []string) {
	t.Helper()
	if len(args) != 4 || args[0] != "--config" || args[2] != "--http_port" {
		t.Fatalf("nats-server is started with %q", args)
	}
	o, err := server.ProcessConfigFile(args[1])
	if err != nil {
		t.Fatal(err)
	}
	o.NoSigs, o.NoLog = true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10e9) || !s.JetStreamEnabled() {
		t.Fatal("the server that the configuration describes does not get ready")
	}
}

// TestComposeSecrets runs deploy/secrets.sh and logs in to nothing with what it
// drew: the address names the file, and the file the password.
func TestComposeSecrets(t *testing.T) {
	c := readCompose(t)
	dir := t.TempDir()
	script, err := os.ReadFile(repository(t, "deploy", "secrets.sh"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "deploy"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "deploy", "secrets.sh"), script, 0o755); err != nil {
		t.Fatal(err)
	}
	var password string
	for range 2 {
		if out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "deploy", "secrets.sh")).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		raw, err := os.ReadFile(filepath.Join(dir, c.Secrets["postgres_password"].File))
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) != 48 || password != "" && string(raw) != password {
			t.Errorf("a password of %d characters, or another one the second time", len(raw))
		}
		password = string(raw)
	}
	if info, err := os.Stat(filepath.Join(dir, "deploy", "secrets")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of the secrets is open to others: %v", err)
	}
	address := strings.Replace(c.Services["berkas"].Environment["DATABASE_URL"], "/run/secrets/pgpass", url.PathEscape(filepath.Join(dir, c.Secrets["pgpass"].File)), 1)
	config, err := pgx.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	if config.Password != password || config.User != c.Services["postgres"].Environment["POSTGRES_USER"] || config.Database != c.Services["postgres"].Environment["POSTGRES_DB"] {
		t.Error("berkas would log in to PostgreSQL as somebody else")
	}
}

// TestServiceUnits holds the units of deploy/ to the program's flags and exit
// codes; the Dockerfile to go.mod.
func TestServiceUnits(t *testing.T) {
	for file, command := range map[string]string{"berkas.service": "serve", "berkas-witness.service": "run"} {
		unit, err := os.ReadFile(repository(t, "deploy", file))
		if err != nil {
			t.Fatal(err)
		}
		line := regexp.MustCompile(`(?m)^ExecStart=/usr/local/bin/berkas (.*)$`).FindStringSubmatch(string(unit))
		if line == nil {
			t.Fatalf("%s starts something else", file)
		}
		cmd, args, err := newRoot().Find(strings.Fields(line[1]))
		if err != nil || cmd.Name() != command || cmd.ParseFlags(args) != nil || cmd.Flags().NArg() != 0 {
			t.Errorf("berkas does not take %q: %v", line[1], err)
		}
		if want := fmt.Sprintf("\nRestartPreventExitStatus=%d %d %d\n", exitUsage, exitNotFound, exitVerify); !strings.Contains(string(unit), want) {
			t.Errorf("%s has no line %q", file, want)
		}
	}
	module, err := os.ReadFile(repository(t, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(repository(t, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^(?:toolchain go|go )(1\.\d+\.\d+)$`).FindAllStringSubmatch(string(module), -1)
	if version == nil || !strings.Contains(string(file), "FROM golang:"+version[len(version)-1][1]+"-") {
		t.Errorf("the Dockerfile builds with another Go than go.mod says: %v", version)
	}
	for _, want := range []string{"\nFROM scratch\n", "\nUSER 65532:65532\n", "CGO_ENABLED=0", "\nENTRYPOINT [\"/usr/local/bin/berkas\"]\n"} {
		if !strings.Contains(string(file), want) {
			t.Errorf("the Dockerfile has no %q", want)
		}
	}
}
