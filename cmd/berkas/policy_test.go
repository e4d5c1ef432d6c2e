package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// judges are the files whose words may call something valid: each takes the
// policy that was given, or is given one by a file that does. The others use such
// words of something else, or to say that there is no such thing.
var judges = map[string]string{
	"cmd_audit.go":   "takes --policy",
	"cmd_verify.go":  "takes --policy",
	"proof_check.go": "takes --policy",

	"proof_consistency.go": "takes --policy",

	"bench_audit.go": "audits a history that it made, by its own policy",

	"cmd_trust.go": "says that nothing is called valid without a policy",
	"policy.go":    "the same",
	"cmd_keys.go":  "from which position on a key may sign",
	"cmd_bench.go": "agencies verify receipts",
}

var claims = regexp.MustCompile(`(?i)\b(valid|verified|genuine|authentic|sah|absah|terverifikasi)\b`)

// TestOnlyJudgesSayValid: without a policy nothing says that anything is valid,
// neither a command nor a page.
func TestOnlyJudgesSayValid(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, text := range literals(t, name) {
			if claims.MatchString(text) {
				found[name] = true
				if judges[name] == "" {
					t.Errorf("%s says %q: by which policy?", name, text)
				}
			}
		}
	}
	for name, why := range judges {
		if !found[name] {
			t.Errorf("%s is excepted (%s) and calls nothing valid", name, why)
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if why == "takes --policy" && !strings.Contains(string(source), "o.policy()") {
			t.Errorf("%s calls something valid and takes no policy", name)
		}
	}
	pages, err := filepath.Glob(repository(t, "web", "templates", "*.html"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	for _, name := range append(pages, repository(t, "web", "page_words.go"), repository(t, "web", "page_words_data.go")) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if at := claims.FindIndex(text); at != nil {
			t.Errorf("%s says %q: pages have no policy", filepath.Base(name), text[at[0]:at[1]])
		}
	}
}

// literals lists the strings of a source file.
func literals(t *testing.T, name string) []string {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	ast.Inspect(tree, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			out = append(out, lit.Value)
		}
		return true
	})
	return out
}

// TestJudgesNeedAPolicy: every command that judges ends without a policy and says
// nothing of what it was given.
func TestJudgesNeedAPolicy(t *testing.T) {
	calls := map[string][]string{
		"audit": {"audit"}, "verify": {"verify", "policy.go"}, "witness": {"witness", "evidence", "policy.go"},
		"proof": {"proof", "--check", "policy.go", "--leaf", "policy.go"},
	}
	for name, args := range calls {
		var out strings.Builder
		root := newRoot()
		root.SetOut(&out)
		root.SetErr(&out)
		root.SetArgs(args)
		err := root.ExecuteContext(t.Context())
		if exitCode(err) != exitUsage || !strings.Contains(err.Error(), "--policy is needed") || out.Len() > 0 {
			t.Errorf("berkas %s without a policy: %v, %q", name, err, out.String())
		}
	}
	others := map[string]string{
		"export": "copies the data directory's own log",
		"bundle": "makes bundles for somebody else to judge",
		"sample": "draws what somebody else will examine; a policy makes it check the checkpoint first",
		"serve":  "names the witnesses to ask",
	}
	for _, c := range newRoot().Commands() {
		if name := c.Name(); c.Flags().Lookup("policy") != nil && calls[name] == nil && others[name] == "" {
			t.Errorf("berkas %s takes --policy: does it judge without one?", name)
		}
	}
}
