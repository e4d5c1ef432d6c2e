package agencies

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/berkas-ledger/berkas/ledger"
)

// A submission's file has one form: what parses is what would be written.
func FuzzSubmissionFile(f *testing.F) {
	file := formatSubmissionFile(opening(f, signer(f, "bawaslu/2026a")))
	f.Add(file)
	f.Add(file[:len(file)-1])
	f.Add(bytes.Replace(file, []byte("\nsignature"), []byte("\n\nsignature"), 1))
	f.Add([]byte(submissionMagic))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseSubmissionFile(data)
		if err != nil {
			return
		}
		if !bytes.Equal(formatSubmissionFile(s), data) {
			t.Errorf("accepted %q", data)
		}
	})
}

func FuzzKeyFile(f *testing.F) {
	seed := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, text := range []string{
		keyMagic + "\nid: bawaslu/2026a\nseed: " + seed + "\n",
		keyMagic + "\nid: bawaslu/2026a\nseed: " + seed,
		keyMagic + "\nid: Bawaslu\nseed: " + seed + "\n",
		keyMagic + "\nid: bawaslu/2026a\nseed: \n",
		"",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseKey(text)
		if err != nil {
			if err != ErrKeyFile { //nolint:errorlint // it must quote nothing, so it is the bare error
				t.Errorf("error %v", err)
			}
			return
		}
		again := fmt.Sprintf("%s\nid: %s\nseed: %s\n", keyMagic, s.id, base64.StdEncoding.EncodeToString(s.private.Seed()))
		if again != text {
			t.Errorf("accepted %q", text)
		}
	})
}

func FuzzFileName(f *testing.F) {
	good := stem(7, ledger.Hash{})
	for _, name := range []string{good + submissionSuffix, good + receiptSuffix, good + receiptSuffix + temporarySuffix, good, "lock", "-", "", "7-x.receipt"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		n := parseFileName(name)
		if n.foreign {
			return
		}
		again := stem(n.number, n.sum)
		if n.receipt {
			again += receiptSuffix
		} else {
			again += submissionSuffix
		}
		if n.temporary {
			again += temporarySuffix
		}
		if again != name || n.stem != stem(n.number, n.sum) {
			t.Errorf("read %q as %+v", name, n)
		}
	})
}

// What INTAKE answers never makes a sender believe that it has a receipt; it
// must only not crash on it.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"stream":"INTAKE-bawaslu","seq":1}`))
	f.Add([]byte(`{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"stream":"INTAKE-bawaslu","seq":0}`))
	f.Add([]byte(`{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"}}`))
	f.Add([]byte(``))
	f.Add([]byte(`[]`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_ = answerError(&nats.Msg{Data: data})
	})
}

// An event's lane is what the registrar's decoder says of it.
func FuzzLane(f *testing.F) {
	f.Add(opening(f, signer(f, "bawaslu/2026a")).Body)
	d, err := NewBawaslu(Office{Origin: origin}).PublishContest(happened, ledger.Contest{
		ID: "pilkada-2020", Kind: "pilkada", Voting: "2020-12-09", Determination: "2020-09-23", Doubt: ledger.DoubtUnsure,
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(d.Body)
	f.Add([]byte(`{"type":"id.berkas.case.opened.v1"`))
	f.Add([]byte(`{"data":{"type":1,"subject":[]},"type":7}`))
	f.Add([]byte(``))
	f.Fuzz(func(t *testing.T, body []byte) {
		lane, roster := laneOf(body)
		e, bad := ledger.Decode(body)
		if bad != nil {
			return
		}
		info, known := ledger.LookupKind(e.Kind, e.Version)
		want := ""
		if !known || info.Stream == ledger.StreamCase {
			want = e.Subject
		}
		if roster != (known && info.Stream == ledger.StreamRoster) || lane != want {
			t.Errorf("lane %q, roster %v of %s", lane, roster, body)
		}
	})
}
