package forge

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

// Verdicts on a bundle.
const (
	Valid     = "valid"
	Invalid   = "invalid"
	Unchecked = "unchecked" // it could not be read, so nothing can be said
)

// Bundle is a bundle, the policy to judge it by, and what has to be found.
type Bundle struct {
	Name    string
	Bundle  []byte
	Policy  []byte
	Verdict string
	// Code and Position are of a finding that has to be among those made; Position
	// 0 is not looked at.
	Code     verify.Code
	Position ledger.Position
	// ByRules: only schemas and the rules of cases show it, which the page does not
	// judge. It says so, and calls the bundle valid.
	ByRules bool
}

// maker puts one ledger together for each bundle, so that none depends on
// another.
type maker struct{ list []Bundle }

// want says what has to be found of what is added next.
type want struct {
	name    string
	code    verify.Code
	byRules bool
}

func (m *maker) add(w want, b *book, v verify.Bundle, p ledger.Position, change ...func(*ledger.Policy)) {
	raw, err := v.Encode()
	must(err)
	policy := b.policy()
	for _, f := range change {
		f(&policy)
	}
	verdict := Invalid
	if w.code == "" {
		verdict = Valid
	}
	m.list = append(m.list, Bundle{w.name, raw, []byte(policy.Text()), verdict, w.code, p, w.byRules})
}

// Bundles gives the whole matrix.
func Bundles() []Bundle {
	var m maker
	b := newBook()
	m.add(want{name: "sound"}, b, b.bundle(b.seal()), 0)
	m.files()
	m.proofs()
	m.checkpoints()
	m.collusion()
	m.recordings()
	m.rules()
	m.omissions()
	return m.list
}

// files are no bundles, or come with no policy.
func (m *maker) files() {
	b := newBook()
	raw, err := b.bundle(b.seal()).Encode()
	must(err)
	policy := b.policy().Text()
	text := string(raw)
	change := func(old, with string) string { return strings.Replace(text, old, with, 1) }
	for name, file := range map[string]string{
		"file-empty":             "",
		"file-truncated":         text[:len(text)*2/3],
		"file-last-byte-missing": text[:len(text)-1],
		"file-doubled-key":       change("\n\"case\":", "\n\"case\":\""+OtherCase+"\",\n\"case\":"),
		"file-doubled-leaf":      change(`{"leaf":`, `{"leaf":"","leaf":`),
		"file-other-key":         change("\n\"case\":", "\n\"valid\":true,\n\"case\":"),
		"file-other-format":      change("bundle/v1", "bundle/v2"),
		"file-spaces":            change(`"case":`, `"case": `),
		"file-windows-lines":     strings.ReplaceAll(text, "\n", "\r\n"),
		"file-byte-order-mark":   "\ufeff" + text,
		"file-escaped":           change(`{"leaf":"Y`, `{"leaf":"\u0059`),
		"file-not-utf8":          change("berkas.example/uji", "berkas.example/uji\xff"),
		"file-proto":             change(`"format":`, `"__proto__":{"valid":true},"format":`),
		"file-huge":              text + strings.Repeat(" ", verify.MaxBundle),
		"file-deep":              strings.Repeat("[", 100_000),
		"file-policy-as-bundle":  policy,
	} {
		m.list = append(m.list, Bundle{Name: name, Bundle: []byte(file), Policy: []byte(policy), Verdict: Unchecked, Code: verify.CodeBundle})
	}
	for name, file := range map[string]string{
		"policy-other-file":    "no policy",
		"policy-cut-short":     policy[:strings.Index(policy, "quorum ")],
		"policy-log-witness":   strings.Replace(policy, "witness saksi-1 "+b.witness(0).String(), "witness saksi-1 "+selfWitness(b), 1),
		"policy-one-key-twice": strings.Replace(policy, b.witness(1).String(), b.witness(0).String(), 1),
		"policy-key-hash":      strings.Replace(policy, "log berkas.example/uji+", "log berkas.example/uji+0", 1),
		"policy-threshold-0":   strings.Replace(policy, "dua-saksi 2", "dua-saksi 0", 1),
		"policy-windows-lines": strings.ReplaceAll(policy, "\n", "\r\n"),
	} {
		m.list = append(m.list, Bundle{Name: name, Bundle: raw, Policy: []byte(file), Verdict: Unchecked, Code: verify.CodePolicy})
	}
	remarks := strings.NewReplacer("\nlog ", "\n\n# kunci\n \t\nlog\t", "\nquorum ", "\n\tquorum  ").Replace(policy)
	m.list = append(m.list, Bundle{Name: "policy-with-remarks", Bundle: raw, Policy: []byte(remarks), Verdict: Valid})
	slices.SortFunc(m.list, func(a, b Bundle) int { return strings.Compare(a.Name, b.Name) })
}

// selfWitness is the log's own key, as a witness's.
func selfWitness(b *book) string {
	private := b.Private("note/")
	k, err := ledger.NewWitnessKey("saksi-1.example", private.Public().(ed25519.PublicKey))
	must(err)
	return k.String()
}

// proofs change what is in a sound bundle.
func (m *maker) proofs() {
	for name, c := range map[string]struct {
		change func(v *verify.Bundle, i int)
		code   verify.Code
	}{
		"leaf-bit-flipped":     {func(v *verify.Bundle, i int) { v.Records[i].Leaf[len(v.Records[i].Leaf)-10] ^= 1 }, verify.CodeNotInLog},
		"leaf-back-dated":      {func(v *verify.Bundle, i int) { replace(v, i, "recorded: 2020-06-0", "recorded: 2020-05-0") }, verify.CodeNotInLog},
		"leaf-other-position":  {func(v *verify.Bundle, i int) { replace(v, i, "position: 11\n", "position: 12\n") }, verify.CodeNotInLog},
		"leaf-other-key":       {func(v *verify.Bundle, i int) { replace(v, i, "signature: bawaslu/a", "signature: bawaslu/b") }, verify.CodeNotInLog},
		"leaf-zero-position":   {func(v *verify.Bundle, i int) { replace(v, i, "position: 11\n", "position: 011\n") }, verify.CodeLeafMalformed},
		"leaf-extra-header":    {func(v *verify.Bundle, i int) { replace(v, i, "\nsubject:", "\nnote: x\nsubject:") }, verify.CodeLeafMalformed},
		"leaf-carriage-return": {func(v *verify.Bundle, i int) { replace(v, i, "\nsubject:", "\r\nsubject:") }, verify.CodeLeafMalformed},
		"proof-hash-changed":   {func(v *verify.Bundle, i int) { v.Records[i].Inclusion[2][7] ^= 1 }, verify.CodeNotInLog},
		"proof-shortened":      {func(v *verify.Bundle, i int) { v.Records[i].Inclusion = v.Records[i].Inclusion[1:] }, verify.CodeNotInLog},
		"proof-lengthened":     {func(v *verify.Bundle, i int) { v.Records[i].Inclusion = append(v.Records[i].Inclusion, ledger.Hash{}) }, verify.CodeNotInLog},
		"proof-gone":           {func(v *verify.Bundle, i int) { v.Records[i].Inclusion = nil }, verify.CodeNotInLog},
		"proof-of-another":     {func(v *verify.Bundle, i int) { v.Records[i].Inclusion = v.Records[i+1].Inclusion }, verify.CodeNotInLog},
		"records-swapped": {func(v *verify.Bundle, i int) {
			v.Records[i], v.Records[i+1] = v.Records[i+1], v.Records[i]
		}, verify.CodePositionWrong},
		"record-twice": {func(v *verify.Bundle, i int) { v.Records = slices.Insert(v.Records, i, v.Records[i]) }, verify.CodePositionWrong},
	} {
		b := newBook()
		v := b.bundle(b.seal())
		i := at(v, 11)
		c.change(&v, i)
		position := ledger.Position(11)
		if strings.HasPrefix(name, "leaf-") && name != "leaf-bit-flipped" {
			position = 0
		}
		m.add(want{name: name, code: c.code}, b, v, position)
	}
	m.inner()
}

// inner has what may be proven by hashes alone: that an inner node of the tree is
// no leaf, and a record of another case no record of this one.
func (m *maker) inner() {
	b := newBook()
	v := b.bundle(b.seal())
	// Two hashes, which have the hash of a node if taken for a leaf without the
	// prefix that tells them apart.
	node := slices.Concat(v.Records[1].Inclusion[0][:], v.Records[1].Inclusion[1][:])
	v.Records[3].Leaf = node
	m.add(want{name: "node-as-leaf", code: verify.CodeLeafMalformed}, b, v, 0)

	b = newBook()
	l := b.seal()
	v = b.bundle(l)
	i := slices.IndexFunc(b.records, func(r ledger.Record) bool { return r.CaseID() == OtherCase })
	foreign := b.records[i]
	v.Records = slices.Insert(v.Records, at(v, foreign.Position+1), b.prove(l, foreign))
	m.add(want{name: "record-of-another-case", code: verify.CodeRecordForeign}, b, v, foreign.Position)

	b = newBook()
	v = b.bundle(b.seal())
	v.Case = OtherCase
	m.add(want{name: "case-renamed", code: verify.CodeRecordForeign}, b, v, 0)

	b = newBook()
	v = b.bundle(b.seal())
	v.Records = slices.DeleteFunc(v.Records, func(r verify.Proven) bool { return bytes.Contains(r.Leaf, []byte("subject: ledger.case.")) })
	m.add(want{name: "no-record-of-the-case", code: verify.Code(ledger.CodeCaseUnknown)}, b, v, 0)

	b = newBook()
	v = b.bundle(b.seal())
	v.Records = v.Records[1:]
	m.add(want{name: "no-genesis", code: verify.CodeGenesisOther}, b, v, 0)
}

func replace(v *verify.Bundle, i int, old, with string) {
	changed := bytes.Replace(v.Records[i].Leaf, []byte(old), []byte(with), 1)
	if bytes.Equal(changed, v.Records[i].Leaf) {
		panic(fmt.Sprintf("%q does not stand in the leaf", old))
	}
	v.Records[i].Leaf = changed
}

// malleate gives the other value that is a signature by the equation alone: S and
// the order of the group added up. Both are 32 bytes, the least first.
func malleate(s *ledger.Signature) {
	order, _ := new(big.Int).SetString("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 16)
	half := slices.Clone(s.Value[32:])
	slices.Reverse(half)
	sum := new(big.Int).Add(new(big.Int).SetBytes(half), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	copy(s.Value[32:], sum)
}
