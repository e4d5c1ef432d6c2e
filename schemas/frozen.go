package schemas

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// Frozen reports whether the bytes and meaning of a kind's version are promised
// for ever. A registrar that is not a rehearsal takes frozen versions only.
func (v *Validator) Frozen(kind ledger.Kind, version int) bool {
	_, ok := v.frozen[name{kind, version}.String()]
	return ok
}

// readFrozen reads FROZEN and compares the files with it.
func readFrozen() (map[string]ledger.Hash, error) {
	text, err := files.ReadFile("FROZEN")
	if err != nil {
		return nil, fmt.Errorf("list of frozen schemas: %w", err)
	}
	frozen, err := parseFrozen(string(text))
	if err != nil {
		return nil, err
	}
	return frozen, checkFrozen(frozen, File)
}

// parseFrozen reads lines "<kind>.v<n> <SHA-256 of the file in hexadecimal>".
func parseFrozen(text string) (map[string]ledger.Hash, error) {
	frozen := map[string]ledger.Hash{}
	for i, line := range strings.Split(text, "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		n, digest, _ := strings.Cut(line, " ")
		h, err := ledger.ParseHash(digest)
		if err != nil {
			return nil, fmt.Errorf("FROZEN line %d: %w", i+1, err)
		}
		if _, ok := frozen[n]; ok {
			return nil, fmt.Errorf("FROZEN line %d: %s stands there before", i+1, n)
		}
		frozen[n] = h
	}
	return frozen, nil
}

// references finds the schemas that one refers to.
var references = regexp.MustCompile(`"\$ref": ?"` + urn + `([a-z0-9.-]+)`)

// checkFrozen compares the bytes of frozen schemas. None is frozen without those
// it refers to: its meaning would not be. All refer to the common definitions,
// and event.corrected to the schema of everything that can be corrected.
func checkFrozen(frozen map[string]ledger.Hash, file func(string) ([]byte, error)) error {
	if _, ok := frozen[common]; len(frozen) > 0 && !ok {
		return fmt.Errorf("FROZEN lists schemas but not %s, which they refer to", common)
	}
	for n, want := range frozen {
		raw, err := file(n)
		if err != nil {
			return fmt.Errorf("frozen schema %s: %w", n, err)
		}
		if got := ledger.Hash(sha256.Sum256(raw)); got != want {
			return fmt.Errorf("schema %s has changed since it was frozen: its SHA-256 is %s, not %s; a change needs a new version", n, got, want)
		}
		for _, m := range references.FindAllSubmatch(raw, -1) {
			if _, ok := frozen[string(m[1])]; !ok {
				return fmt.Errorf("FROZEN lists %s but not %s, which it refers to", n, m[1])
			}
		}
	}
	return nil
}

// common is the name of the definitions that all schemas of version 1 share.
const common = "common.v1"
