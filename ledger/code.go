package ledger

import (
	"fmt"
	"sort"
	"strings"
)

// Code names why something was refused. Codes are stable: senders, dashboards
// and the ledger itself carry them; only their messages may be reworded.
type Code string

// The closed set of reason codes.
const (
	CodeTooLarge           Code = "too-large"
	CodeNotUTF8            Code = "not-utf8"
	CodeNotJSON            Code = "not-json"
	CodeDuplicateKey       Code = "duplicate-key"
	CodeBadEnvelope        Code = "bad-envelope"
	CodeUnknownAttribute   Code = "unknown-attribute"
	CodeForbiddenHeader    Code = "forbidden-header"
	CodeContentType        Code = "content-type"
	CodeUnknownKind        Code = "unknown-kind"
	CodeReservedKind       Code = "reserved-kind"
	CodeVersionNotOpen     Code = "version-not-open"
	CodeWrongLedger        Code = "wrong-ledger"
	CodeWrongSource        Code = "wrong-source"
	CodePersonalData       Code = "personal-data-in-clear"
	CodeSealedMisplaced    Code = "sealed-misplaced"
	CodeSignatureMissing   Code = "signature-missing"
	CodeSignatureMalformed Code = "signature-malformed"
	CodeSignatureDoubled   Code = "signature-doubled"
	CodeSignatureInvalid   Code = "signature-invalid"
	CodeKeyUnknown         Code = "key-unknown"
	CodeKeyRevoked         Code = "key-revoked"
	CodeKeyForeign         Code = "key-foreign"
	CodeRootsTooFew        Code = "roots-too-few"
	CodeSchema             Code = "schema-violation"
	CodeNoMandateThen      Code = "no-mandate-then"
	CodeNoMandateNow       Code = "no-mandate-now"
	CodeLateWithoutMandate Code = "late-without-mandate"
	CodeOutsideScope       Code = "outside-mandate-scope"
	CodeIDReused           Code = "id-reused"
	CodeTimeInFuture       Code = "time-in-future"
	CodeCaseUnknown        Code = "case-unknown"
	CodeCaseExists         Code = "case-exists"
	CodeStaleVersion       Code = "stale-caseversion"
	CodeTransition         Code = "impossible-transition"
	CodeBreaksLater        Code = "breaks-later-record"
	CodeRespondentUnknown  Code = "respondent-unknown"
	CodeNotHolder          Code = "not-holder"
	CodeNotAddressee       Code = "not-addressee"
	CodeNotOpener          Code = "not-opener"
	CodeNotParticipant     Code = "not-participant"
	CodeNotRecorder        Code = "not-recorder"
	CodeReferenceUnknown   Code = "reference-unknown"
	CodeRegime             Code = "regime-requires"
	CodeSubject            Code = "subject-mismatch"
	CodeRosterConflict     Code = "roster-conflict"
	CodeInstitutionUnknown Code = "institution-unknown"
)

// Reason is a code with its message in both languages and what the sender may
// do about it.
type Reason struct {
	Code       Code   `json:"code"`
	English    string `json:"en"`
	Indonesian string `json:"id"`
	// Retry says whether the same bytes may be admitted later, when something
	// else has changed; otherwise the sender has to make a new event.
	Retry bool `json:"retry"`
}

var reasons = map[Code]Reason{
	CodeTooLarge:           {English: "The event is larger than 48 KiB. Send documents by digest, not by content.", Indonesian: "Peristiwa melebihi 48 KiB. Kirim dokumen dengan digest, bukan isinya."},
	CodeNotUTF8:            {English: "The event is not valid UTF-8.", Indonesian: "Peristiwa bukan UTF-8 yang sah."},
	CodeNotJSON:            {English: "The event is not one JSON object.", Indonesian: "Peristiwa bukan satu objek JSON."},
	CodeDuplicateKey:       {English: "An object names the same member twice.", Indonesian: "Sebuah objek memuat anggota yang sama dua kali."},
	CodeBadEnvelope:        {English: "A CloudEvents attribute is missing or malformed.", Indonesian: "Atribut CloudEvents hilang atau salah bentuk."},
	CodeUnknownAttribute:   {English: "The envelope has an attribute that this ledger does not take.", Indonesian: "Amplop memuat atribut yang tidak diterima buku besar ini."},
	CodeForbiddenHeader:    {English: "A message header with a reserved name was sent (Nats-* or Berkas-* other than Berkas-Signature).", Indonesian: "Header pesan dengan nama khusus dikirim (Nats-* atau Berkas-* selain Berkas-Signature)."},
	CodeContentType:        {English: "Content-Type has to be application/cloudevents+json, once.", Indonesian: "Content-Type harus application/cloudevents+json, satu kali."},
	CodeUnknownKind:        {English: "The type is not a kind of event that this ledger knows.", Indonesian: "Tipe bukan jenis peristiwa yang dikenal buku besar ini.", Retry: true},
	CodeReservedKind:       {English: "Events of this kind are written by the registrar only.", Indonesian: "Peristiwa jenis ini hanya ditulis oleh registrar."},
	CodeVersionNotOpen:     {English: "This version of the kind is not frozen yet and is taken by rehearsal ledgers only.", Indonesian: "Versi jenis ini belum dibekukan dan hanya diterima buku besar latihan.", Retry: true},
	CodeWrongLedger:        {English: "The event was made for another ledger.", Indonesian: "Peristiwa dibuat untuk buku besar lain."},
	CodeWrongSource:        {English: "The source is not the agency that sent the event.", Indonesian: "Sumber bukan lembaga yang mengirim peristiwa."},
	CodePersonalData:       {English: "A string looks like a direct identifier (NIP, NIK, e-mail, telephone). Seal it.", Indonesian: "Sebuah string tampak seperti pengenal langsung (NIP, NIK, surel, telepon). Segel dahulu."},
	CodeSealedMisplaced:    {English: "A sealed value was made for another place than the one it stands in.", Indonesian: "Nilai tersegel dibuat untuk tempat lain."},
	CodeSignatureMissing:   {English: "The event has no signature.", Indonesian: "Peristiwa tidak bertanda tangan."},
	CodeSignatureMalformed: {English: "A signature is not '<key-id> <88 characters of base64>'.", Indonesian: "Tanda tangan tidak berbentuk '<id-kunci> <88 karakter base64>'."},
	CodeSignatureDoubled:   {English: "Two signatures name the same key.", Indonesian: "Dua tanda tangan memakai kunci yang sama."},
	CodeSignatureInvalid:   {English: "A signature does not fit the bytes and the key.", Indonesian: "Tanda tangan tidak cocok dengan byte dan kunci."},
	CodeKeyUnknown:         {English: "A signing key is not on the roster.", Indonesian: "Kunci penanda tangan tidak ada dalam daftar.", Retry: true},
	CodeKeyRevoked:         {English: "A signing key has been revoked.", Indonesian: "Kunci penanda tangan telah dicabut."},
	CodeKeyForeign:         {English: "A signing key belongs to another agency or is not of the role that this kind needs.", Indonesian: "Kunci milik lembaga lain atau bukan peran yang diperlukan jenis ini."},
	CodeRootsTooFew:        {English: "Fewer institutions have signed with their root keys than the genesis record demands.", Indonesian: "Lembaga yang menandatangani dengan kunci akar kurang dari yang disyaratkan."},
	CodeSchema:             {English: "The data does not fit the schema of its kind and version.", Indonesian: "Data tidak sesuai skema jenis dan versinya."},
	CodeNoMandateThen:      {English: "The agency did not hold the mandate when this happened.", Indonesian: "Lembaga tidak memegang kewenangan saat peristiwa terjadi.", Retry: true},
	CodeNoMandateNow:       {English: "The agency does not hold the mandate now, and none to record late.", Indonesian: "Lembaga tidak lagi memegang kewenangan, juga tidak untuk pencatatan terlambat.", Retry: true},
	CodeLateWithoutMandate: {English: "The event happened too long ago to be recorded without a mandate for late recording.", Indonesian: "Peristiwa terlalu lama berlalu untuk dicatat tanpa kewenangan pencatatan terlambat.", Retry: true},
	CodeOutsideScope:       {English: "The agency's mandate does not reach this case.", Indonesian: "Kewenangan lembaga tidak mencakup kasus ini.", Retry: true},
	CodeIDReused:           {English: "The id was already used for other bytes.", Indonesian: "Id telah dipakai untuk byte lain."},
	CodeTimeInFuture:       {English: "The time lies after the moment of recording.", Indonesian: "Waktu berada setelah saat pencatatan.", Retry: true},
	CodeCaseUnknown:        {English: "No such case has been opened at that time.", Indonesian: "Kasus tersebut belum dibuka pada waktu itu.", Retry: true},
	CodeCaseExists:         {English: "The case has been opened before.", Indonesian: "Kasus telah dibuka sebelumnya."},
	CodeStaleVersion:       {English: "The case has moved on since the version the agency saw. Read it again.", Indonesian: "Kasus telah berubah sejak versi yang dilihat lembaga. Baca ulang."},
	CodeTransition:         {English: "A respondent is not at a stage from which this may follow.", Indonesian: "Terlapor tidak berada pada tahap yang memungkinkan langkah ini.", Retry: true},
	CodeBreaksLater:        {English: "Put in its place in time, the event would make a later record of the case impossible.", Indonesian: "Jika disisipkan pada waktunya, catatan kemudian pada kasus menjadi mustahil.", Retry: true},
	CodeRespondentUnknown:  {English: "The case has no such respondent.", Indonesian: "Kasus tidak memiliki terlapor tersebut.", Retry: true},
	CodeNotHolder:          {English: "Only the agency that holds the case may do this.", Indonesian: "Hanya lembaga pemegang kasus yang boleh melakukannya.", Retry: true},
	CodeNotAddressee:       {English: "Only the agency the case was forwarded to may do this.", Indonesian: "Hanya lembaga tujuan penerusan yang boleh melakukannya.", Retry: true},
	CodeNotOpener:          {English: "Only the agency that opened the case may do this.", Indonesian: "Hanya lembaga pembuka kasus yang boleh melakukannya."},
	CodeNotParticipant:     {English: "The agency neither opened the case, nor was it sent to it, nor acted on it.", Indonesian: "Lembaga tidak membuka, tidak dikirimi, dan tidak menangani kasus.", Retry: true},
	CodeNotRecorder:        {English: "Only the agency that recorded what this is about, or its successor, may do this.", Indonesian: "Hanya lembaga yang mencatat hal ini, atau penerusnya, yang boleh melakukannya.", Retry: true},
	CodeReferenceUnknown:   {English: "The event names a letter, decree, contest, case or event that is not recorded.", Indonesian: "Peristiwa menyebut surat, keputusan, pemilihan, kasus, atau peristiwa yang tidak tercatat.", Retry: true},
	CodeRegime:             {English: "The rules in force at that time require another step first.", Indonesian: "Aturan yang berlaku saat itu mensyaratkan langkah lain lebih dahulu.", Retry: true},
	CodeSubject:            {English: "The subject is not what the data is about.", Indonesian: "Subjek bukan yang dibahas data."},
	CodeRosterConflict:     {English: "The roster already says something else.", Indonesian: "Daftar lembaga sudah menyatakan lain."},
	CodeInstitutionUnknown: {English: "An agency that is named is not on the roster.", Indonesian: "Lembaga yang disebut tidak ada dalam daftar.", Retry: true},
}

// Reasons lists every code with its messages, in order of the codes.
func Reasons() []Reason {
	out := make([]Reason, 0, len(reasons))
	for c, r := range reasons {
		r.Code = c
		out = append(out, r)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Code < out[j].Code })
	return out
}

// ReasonOf gives the messages of a code; ok is false for a code that is not in
// the closed set.
func ReasonOf(c Code) (r Reason, ok bool) {
	r, ok = reasons[c]
	r.Code = c
	return r, ok
}

// Refusal says that an event may not enter the ledger, and why. It holds no
// value of the event, so it may be logged, answered and recorded.
type Refusal struct {
	Code Code
	// Pointers are JSON pointers (RFC 6901) into the event, at most
	// MaxPointers; an empty list means the submission as a whole.
	Pointers []string
	// Detail says in English which rule was broken, in words of this package
	// only: kinds, stages, codes, limits.
	Detail string
	// First is the position at which the id was used before, for CodeIDReused.
	First Position
}

// MaxPointers bounds how many places one refusal names.
const MaxPointers = 8

func (r *Refusal) Error() string {
	var b strings.Builder
	b.WriteString(string(r.Code))
	if len(r.Pointers) > 0 {
		fmt.Fprintf(&b, " at %s", strings.Join(r.Pointers, ", "))
	}
	if r.Detail != "" {
		fmt.Fprintf(&b, ": %s", r.Detail)
	} else if m, ok := ReasonOf(r.Code); ok {
		fmt.Fprintf(&b, ": %s", m.English)
	}
	return b.String()
}

// Refuse makes a refusal of the given places; the detail is a format.
func Refuse(c Code, pointer, detail string, args ...any) *Refusal {
	r := &Refusal{Code: c, Detail: fmt.Sprintf(detail, args...)}
	if pointer != "" {
		r.Pointers = []string{pointer}
	}
	return r
}

// Within gives the refusal of something that stands deeper in an event: pointers
// into its data are moved below another place.
func (r *Refusal) Within(place string) *Refusal {
	out := *r
	out.Pointers = nil
	for _, p := range r.Pointers {
		if rest, ok := strings.CutPrefix(p, "/data"); ok {
			p = place + rest
		}
		out.Pointers = append(out.Pointers, p)
	}
	return &out
}
