package verify

import (
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"strings"
)

//go:embed page/verify.html
var page []byte

// Page is the static page that checks bundles in a browser without a network:
// one file, which loads nothing.
func Page() []byte { return page }

// PagePolicy is the Content-Security-Policy of the page: its one script and its
// one style sheet by their hashes, and nothing else from anywhere. The page has
// it in itself, too, for who opens it as a file.
func PagePolicy() string { return PolicyOf(string(page)) }

// PolicyOf is the policy of such a page.
func PolicyOf(html string) string {
	return "default-src 'none'; script-src 'sha256-" + inline(html, "<script>", "</script>") + "'; style-src 'sha256-" +
		inline(html, "<style>", "</style>") + "'; img-src data:; base-uri 'none'; form-action 'none'"
}

// inline hashes what stands between two tags.
func inline(html, begin, end string) string {
	_, rest, _ := strings.Cut(html, begin)
	text, _, _ := strings.Cut(rest, end)
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}
