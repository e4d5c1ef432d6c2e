package verify_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/verify"
)

const bundleCase = "01930a2c-7c00-7000-8000-0000000000c1"

// plainBundle has the form of a bundle and proves nothing.
func plainBundle() verify.Bundle {
	return verify.Bundle{Case: bundleCase, Checkpoint: []byte("a.example\n1\nroot\n\n— a.example \"quoted\" <b>\n"), Records: []verify.Proven{
		{Leaf: []byte("leaf 1")},
		{Leaf: []byte("leaf 2"), Inclusion: []ledger.Hash{{1}, {2}}},
	}}
}

func mustEncode(t testing.TB, b verify.Bundle) []byte {
	t.Helper()
	raw, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestBundleHasOneForm: what Encode writes is read again; anything else is
// refused, with a reason.
func TestBundleHasOneForm(t *testing.T) {
	raw := mustEncode(t, plainBundle())
	b, err := verify.ParseBundle(raw)
	if err != nil {
		t.Fatal(err)
	}
	if again := mustEncode(t, b); !bytes.Equal(again, raw) {
		t.Errorf("read and written again it is\n%s\nnot\n%s", again, raw)
	}
	change := func(old, with string) string { return strings.Replace(string(raw), old, with, 1) }
	for name, c := range map[string]struct{ text, want string }{
		"empty":              {"", "broken"},
		"no JSON":            {"berkas", "broken at byte"},
		"cut short":          {string(raw[:len(raw)-9]), "not a bundle"},
		"more behind it":     {string(raw) + "{}", "not a bundle"},
		"doubled member":     {change(`"case":`, `"case":"x",`+"\n"+`"case":`), "named twice"},
		"doubled in record":  {change(`"leaf":`, `"leaf":"","leaf":`), "named twice"},
		"unknown member":     {change(`"case":`, `"valid":true,"case":`), "another member"},
		"member in capitals": {change(`"case":`, `"Case":`), "another member"},
		"other type":         {change(`"inclusion":[]`, `"inclusion":{}`), "another member or type"},
		"other format":       {change("bundle/v1", "bundle/v2"), "format"},
		"other case":         {change(bundleCase, strings.ToUpper(bundleCase)), "lower case"},
		"other order":        {change(`"leaf":"bGVhZiAx","inclusion":[]`, `"inclusion":[],"leaf":"bGVhZiAx"`), "one form"},
		"spaces":             {change(`"case":`, `"case": `), "one form"},
		"escapes":            {change(`"leaf":"bG`, `"leaf":"\u0062G`), "one form"},
		"base64 of a line":   {change(`"leaf":"bGVh`, `"leaf":"bG\nVh`), "one form"},
		"base64 padding":     {change(`"leaf":"bGVhZiAx"`, `"leaf":"bGVhZiAxMR=="`), "base64"},
		"empty leaf":         {change(`"leaf":"bGVhZiAx"`, `"leaf":""`), "leaf of 0 bytes"},
		"short hash":         {change(`"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="`, `"AQ=="`), "32 bytes"},
		"no records":         {string(raw[:bytes.Index(raw, []byte(`"records"`))]) + "\"records\":[\n]}\n", "0 records"},
		"a proof too long":   {change(`"inclusion":[]`, `"inclusion":["`+strings.Repeat(`","`, 64)+`"]`), "hashes"},
		"bytes, not text":    {change("quoted", "\xff"), "broken"},
		"huge":               {string(raw) + strings.Repeat(" ", verify.MaxBundle), "at most"},
	} {
		if _, err := verify.ParseBundle([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
	}
}

func TestEncodeRefusesWhatNobodyCouldRead(t *testing.T) {
	for name, change := range map[string]func(*verify.Bundle){
		"no case":           func(b *verify.Bundle) { b.Case = "" },
		"no checkpoint":     func(b *verify.Bundle) { b.Checkpoint = nil },
		"checkpoint binary": func(b *verify.Bundle) { b.Checkpoint = []byte{0xff} },
		"no records":        func(b *verify.Bundle) { b.Records = nil },
		"too many records":  func(b *verify.Bundle) { b.Records = make([]verify.Proven, verify.MaxBundleRecords+1) },
		"a leaf too long":   func(b *verify.Bundle) { b.Records[0].Leaf = make([]byte, ledger.MaxLeaf+1) },
		"a proof too long":  func(b *verify.Bundle) { b.Records[0].Inclusion = make([]ledger.Hash, 64) },
		"too large": func(b *verify.Bundle) {
			for range 400 {
				b.Records = append(b.Records, verify.Proven{Leaf: make([]byte, ledger.MaxLeaf)})
			}
		},
	} {
		b := plainBundle()
		change(&b)
		if _, err := b.Encode(); err == nil {
			t.Errorf("%s: was written", name)
		}
	}
}

func FuzzParseBundle(f *testing.F) {
	f.Add(mustEncode(f, plainBundle()))
	f.Add([]byte(`{"format":"berkas/bundle/v1","case":"","checkpoint":"","records":[]}`))
	f.Add([]byte(`{"format":"berkas/bundle/v1","records":[{"leaf":"AA==","inclusion":null}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := verify.ParseBundle(raw)
		if err != nil {
			return
		}
		if again := mustEncode(t, b); !bytes.Equal(again, raw) {
			t.Errorf("two files for one bundle:\n%q\n%q", raw, again)
		}
	})
}
