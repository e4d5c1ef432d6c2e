package ledger_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/berkas-ledger/berkas/ledger"
)

// direct are strings that look like somebody's; all are invented.
var direct = map[string]string{
	"NIP":                   "198001012005011001",
	"NIP of a PPPK":         "198001012021211001",
	"NIP with spaces":       "19800101 200501 1 001",
	"NIP with dots":         "19800101.200501.1.001",
	"NIP with hyphens":      "19800101-200501-1-001",
	"NIP after letters":     "NIP198001012005011001",
	"NIP in a letter":       "800/198001012005011001/2020",
	"NIP behind a number":   "800/19800101-200501-1-001/2020",
	"NIP before a number":   "19800101 200501 1 001/2020",
	"NIP behind groups":     "12.34/19800101.200501.1.001",
	"NIK before a year":     "32.01.01.010180.0001/2020",
	"NIK behind a number":   "470/3201-0101-0180-0001",
	"NIP of the eldest":     "193001012005011001",
	"NIP of the youngest":   "201512312035011001",
	"NIK":                   "3201010101800001",
	"NIK of Aceh":           "1101013112800001",
	"NIK of Papua":          "9701010101800001",
	"NIK of a woman, first": "3201014101800001",
	"NIK of a woman, last":  "3201017112800001",
	"NIK of a woman":        "3201014101800001",
	"NIK with dots":         "32.01.01.010180.0001",
	"NIK with hyphens":      "3201-0101-0180-0001",
	"NIK with spaces":       "3201 0101 0180 0001",
	"NIK in text":           "KTP no. 3201010101800001, baru",
	"e-mail":                "siti@contoh.example",
	"a handle":              "@contoh",
	"mobile":                "081200000000",
	"shortest mobile":       "0812000000",
	"longest mobile":        "0812000000000",
	"mobile with hyphens":   "0812-0000-0000",
	"mobile abroad":         "+62 812-0000-0000",
	"mobile with nines":     "0899-9999-9999",
	"mobile and a hyphen":   "081200000000-",
	"mobile after a hyphen": "-081200000000",
	"mobile without a plus": "6281200000000",
	"mobile in a link":      "wa.me/6281200000000",
	"what begins as sealed": "eyJ081200000000",
	"what ends as sealed":   "x..AAAAAAAAAAAAAAAA.-081200000000-." + strings.Repeat("A", 22),
}

// harmless are strings that are nobody's.
var harmless = map[string]string{
	"empty":                  "",
	"letter":                 "B-1234/KASN/11/2020",
	"letter of a region":     "800/1234/BKD/2020",
	"letter of a date":       "800.1.6.2/0123/2020-11-26",
	"letters in a row":       "800/12/34/56/2020/11/26",
	"letter of BKN":          "K.26-30/V.108-4/99",
	"letter without slashes": "R-3419.KASN.11.2020",
	"register":               "001/REG/LP/PB/Kota/27.01/IX/2020",
	"date":                   "2020-11-26",
	"date in digits":         "20201126",
	"date the other way":     "26-11-2020",
	"time":                   "2020-11-26T03:10:00.000000Z",
	"UUID":                   "01759a2b-7c00-7000-8000-0000000000c1",
	"UUID of digits":         "01234567-0812-7000-8000-081200000000",
	"UUID that holds a NIK":  "aa320101-0101-7800-801a-aaaaaaaaaaaa",
	"digest of digits":       strings.Repeat("0812000000", 6) + "0000",
	"digest":                 "0812000000a3201010101800001a198001012005011001a0812000000aaaaaaa"[:64],
	"public key":             "a0812000000a" + strings.Repeat("A", 31) + "=",
	"region":                 "73.71",
	"class":                  "jpt-madya",
	"source":                 "kompas.tv/127122",
	"basis":                  "PP 94/2021 Ps 37(3), PerBKN 6/2022 Ps 50(1)",
	"no date of birth":       "199913012005011001",
	"born in month 0":        "199900012005011001",
	"born on day 0":          "199901002005011001",
	"born on day 32":         "199901322005011001",
	"born too early":         "192912312005011001",
	"born too late":          "201601012005011001",
	"NIK of province 10":     "1001010101800001",
	"NIK of province 98":     "9801010101800001",
	"NIK of day 0":           "3201010001800001",
	"NIK of day 40":          "3201014001800001",
	"NIK of day 72":          "3201017201800001",
	"NIK of month 0":         "3201010100800001",
	"born in no century":     "289001012005011001",
	"18 digits of no date":   "000000000000000000",
	"NIK of no province":     "0101010101800001",
	"NIK of no day":          "3201013201800001",
	"NIK of no month":        "3201010113800001",
	"15 digits":              "320101010180000",
	"17 digits":              "32010101018000012",
	"short mobile":           "081200000",
	"long number":            "08120000000000",
	"number of another kind": "0212345678",
	"what begins as sealed":  "eyJhbGciOiJkaXIifQ",
}

func withCode(t *testing.T, code string) []byte {
	t.Helper()
	quoted, err := json.Marshal(code)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(swap(t, string(goldenFile(t, "event.json")), `"code":"4011"`, `"code":`+string(quoted)))
}

func TestDirectIdentifiers(t *testing.T) {
	golden := string(goldenFile(t, "event.json"))
	for name, text := range direct {
		t.Run(name, func(t *testing.T) {
			_, bad := ledger.Decode(withCode(t, text))
			wantRefusal(t, bad, ledger.CodePersonalData, "/data/respondents/1/institution/code")
			_, bad = ledger.Decode([]byte(swap(t, golden, `"code":"4011"`, `"code":{"`+text+`":1}`)))
			wantRefusal(t, bad, ledger.CodePersonalData, "/data/respondents/1/institution/code")
			if json.Valid([]byte(text)) { // a number
				_, bad = ledger.Decode([]byte(swap(t, golden, `"code":"4011"`, `"code":`+text)))
				wantRefusal(t, bad, ledger.CodePersonalData, "/data/respondents/1/institution/code")
			}
		})
	}
	// As it stands in a list, in an escape, and as a float.
	for _, data := range []string{`["x","3201010101800001"]`, `["x","\u0033201010101800001"]`, `["x",3.201010101800001e15]`} {
		_, bad := ledger.Decode([]byte(swap(t, golden, `"code":"4011"`, `"copies":`+data)))
		wantRefusal(t, bad, ledger.CodePersonalData, "/data/respondents/1/institution/copies/1")
	}
}

func TestHarmlessStrings(t *testing.T) {
	for name, text := range harmless {
		t.Run(name, func(t *testing.T) {
			e, bad := ledger.Decode(withCode(t, text))
			if bad == nil {
				bad = ledger.CheckSealed(e)
			}
			if bad != nil {
				t.Errorf("%q: %v", text, bad)
			}
		})
	}
}

// sealedHeader is the protected header of a value sealed for r1's identity.
const sealedHeader = `{"alg":"dir","case":"` + caseID + `","enc":"A256GCM","event":"01759a2b-7c00-7000-8000-0000000000e1",` +
	`"kid":"AAECAwQFBgcICQoLDA0ODw","ledger":"` + origin + `","pointer":"/data/respondents/0/identity"}`

// sealedValue has the form of a sealed value; nothing can be opened in it. Its
// ciphertext holds what would be a mobile number.
func sealedValue(header string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "..AAAAAAAAAAAAAAAA.-081200000000-." + strings.Repeat("A", 22)
}

func withSealed(t *testing.T, member, sealed string) []byte {
	t.Helper()
	return []byte(swap(t, string(goldenFile(t, "event.json")), `"class":"pelaksana"`, `"class":"pelaksana",`+member+`:"`+sealed+`"`))
}

// movedSealed are sealed values that were made for another place, or for none.
var movedSealed = []struct {
	name string
	change
}{
	{"another ledger", change{origin, "berkas.example/other"}},
	{"another case", change{caseID, eventID(0xc2)}},
	{"another event", change{eventID(0xe1), eventID(0xe2)}},
	{"another respondent", change{"respondents/0", "respondents/1"}},
	{"pointer without /data", change{"/data/", "/"}},
	{"no pointer", change{`,"pointer":"/data/respondents/0/identity"`, ""}},
	{"another algorithm", change{`"alg":"dir"`, `"alg":"RSA-OAEP"`}},
	{"another encryption", change{"A256GCM", "A128GCM"}},
	{"a key id too short", change{"AAECAwQFBgcICQoLDA0ODw", "AAEC"}},
	{"a name for a key id", change{"AAECAwQFBgcICQoLDA0ODw", "Siti Contoh dari Kota x"}},
	{"a member more", change{`{"alg"`, `{"zip":"DEF","alg"`}},
	{"a member twice", change{`{"alg":"dir",`, `{"alg":"dir","alg":"dir",`}},
	{"a member in capitals", change{`"alg":`, `"Alg":`}},
	{"not JSON", change{`}`, ``}},
	{"followed by something", change{`}`, `}{}`}},
}

func TestSealedValues(t *testing.T) {
	check := func(body []byte) *ledger.Refusal {
		t.Helper()
		e, bad := ledger.Decode(body)
		if bad != nil {
			t.Fatal(bad)
		}
		return ledger.CheckSealed(e)
	}
	if bad := check(withSealed(t, `"identity"`, sealedValue(sealedHeader))); bad != nil {
		t.Errorf("in its place: %v", bad)
	}
	for _, tt := range movedSealed {
		t.Run(tt.name, func(t *testing.T) {
			moved := sealedValue(swap(t, sealedHeader, tt.old, tt.new))
			wantRefusal(t, check(withSealed(t, `"identity"`, moved)), ledger.CodeSealedMisplaced, "/data/respondents/0/identity")
		})
	}
	wantRefusal(t, check(withSealed(t, `"code"`, sealedValue(sealedHeader))), ledger.CodeSealedMisplaced, "/data/respondents/0/code")
	wantRefusal(t, check(withSealed(t, `"siti"`, sealedValue(sealedHeader))), ledger.CodeSealedMisplaced, "/data/respondents/0")
	asName := swap(t, string(goldenFile(t, "event.json")), `"class":"pelaksana"`, `"class":{"`+sealedValue(sealedHeader)+`":1}`)
	wantRefusal(t, check([]byte(asName)), ledger.CodeSealedMisplaced, "/data/respondents/0/class")
	// The last character of the header may not carry stray bits.
	padded := sealedHeader
	for len(padded)%3 == 0 {
		padded += " "
	}
	first, rest, _ := strings.Cut(sealedValue(padded), ".")
	stray := first[:len(first)-1] + string(first[len(first)-1]+1) + "." + rest
	wantRefusal(t, check(withSealed(t, `"identity"`, stray)), ledger.CodeSealedMisplaced, "/data/respondents/0/identity")
}
