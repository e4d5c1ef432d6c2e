package verify

import (
	"sort"

	"github.com/berkas-ledger/berkas/ledger"
)

// Code names what an audit found. Codes are stable: reports, and whoever reads
// them by machine, carry them; only their messages may be reworded. What a record
// should have been refused for has the code of that refusal (ledger.Code); the
// codes here are of what no submission could do, but whoever keeps the ledger.
type Code string

// Codes of findings besides those of ledger.Reasons.
const (
	// Of the log as a whole.
	CodeCheckpoint       Code = "checkpoint-invalid"
	CodeQuorum           Code = "quorum-missing"
	CodeRootDiffers      Code = "root-differs"
	CodeRecordsMissing   Code = "records-missing"
	CodeLogShorter       Code = "log-shorter"
	CodeForked           Code = "log-forked"
	CodeTileDiffers      Code = "tile-differs"
	CodeAltered          Code = "record-altered"
	CodeGenesisOther     Code = "genesis-other"
	CodeGenesisInvalid   Code = "genesis-invalid"
	CodeGenesisKeys      Code = "genesis-keys"
	CodeLeafMalformed    Code = "leaf-malformed"
	CodePositionWrong    Code = "position-wrong"
	CodeRecordedBack     Code = "recorded-backwards"
	CodeRecordedAhead    Code = "recorded-ahead"
	CodeSubjectMisplaced Code = "subject-misplaced"
	CodeRecordAgain      Code = "record-again"
	CodeRefusalMalformed Code = "refusal-malformed"
	CodeRosterBroken     Code = "roster-broken"
	// Of bundles.
	CodeBundle        Code = "bundle-malformed"
	CodePolicy        Code = "policy-malformed"
	CodeCosignature   Code = "cosignature-invalid"
	CodeNotInLog      Code = "not-in-log"
	CodeRecordForeign Code = "record-foreign"
	// Of receipts.
	CodeReceiptForged      Code = "receipt-forged"
	CodeReceiptMissing     Code = "receipt-missing"
	CodeReceiptContradicts Code = "receipt-contradicts"
	CodeReceiptOverdue     Code = "receipt-overdue"
	// Of the tables.
	CodeTableDiffers Code = "table-differs"
)

// Message says what a code means.
type Message struct {
	Code       Code   `json:"code"`
	English    string `json:"en"`
	Indonesian string `json:"id"`
}

var messages = map[Code]Message{
	CodeCheckpoint:         {English: "The log's checkpoint is not signed by the log key of the policy, or is no checkpoint of this ledger.", Indonesian: "Titik periksa log tidak ditandatangani dengan kunci log dalam kebijakan, atau bukan titik periksa buku besar ini."},
	CodeQuorum:             {English: "Fewer witnesses than the policy demands have cosigned the checkpoint.", Indonesian: "Saksi yang ikut menandatangani titik periksa kurang dari yang disyaratkan kebijakan."},
	CodeRootDiffers:        {English: "The records do not give the Merkle root that the log has signed: what is shown is not what was signed.", Indonesian: "Catatan-catatan tidak menghasilkan akar Merkle yang ditandatangani log: yang ditunjukkan bukan yang ditandatangani."},
	CodeRecordsMissing:     {English: "Records that the checkpoint counts are not there.", Indonesian: "Catatan yang dihitung dalam titik periksa tidak ada."},
	CodeLogShorter:         {English: "The log is shorter than it was when it signed an earlier checkpoint: it was rolled back.", Indonesian: "Log lebih pendek daripada saat menandatangani titik periksa sebelumnya: log telah digulung mundur."},
	CodeForked:             {English: "The log has signed two histories that exclude one another.", Indonesian: "Log telah menandatangani dua riwayat yang saling bertentangan."},
	CodeTileDiffers:        {English: "A tile of hashes does not hold the hashes of the records.", Indonesian: "Sebuah ubin hash tidak memuat hash catatan-catatan."},
	CodeAltered:            {English: "Another record stands where this auditor saw one before.", Indonesian: "Catatan lain berada di tempat catatan yang pernah dilihat pemeriksa ini."},
	CodeGenesisOther:       {English: "The first record is not the one of the policy: this is another ledger.", Indonesian: "Catatan pertama bukan yang disebut kebijakan: ini buku besar lain."},
	CodeGenesisInvalid:     {English: "The first record does not found a ledger.", Indonesian: "Catatan pertama tidak mendirikan buku besar."},
	CodeGenesisKeys:        {English: "The first record names other keys or another origin than the policy.", Indonesian: "Catatan pertama menyebut kunci atau asal lain daripada kebijakan."},
	CodeLeafMalformed:      {English: "The log's entry is not a record in its one form.", Indonesian: "Entri log bukan catatan dalam bentuk bakunya."},
	CodePositionWrong:      {English: "The record names another position than the one at which it stands.", Indonesian: "Catatan menyebut posisi lain daripada tempatnya berada."},
	CodeRecordedBack:       {English: "The record says that it was recorded before the one before it.", Indonesian: "Catatan menyatakan dicatat sebelum catatan yang mendahuluinya."},
	CodeRecordedAhead:      {English: "The record says that it was recorded later than witnesses saw it, by more than clocks may differ.", Indonesian: "Catatan menyatakan dicatat lebih kemudian daripada saat saksi melihatnya, melebihi selisih jam yang wajar."},
	CodeSubjectMisplaced:   {English: "The record stands on another subject than the one its event belongs to.", Indonesian: "Catatan berada pada subjek lain daripada milik peristiwanya."},
	CodeRecordAgain:        {English: "The same event stands on the ledger twice.", Indonesian: "Peristiwa yang sama tercatat dua kali."},
	CodeRefusalMalformed:   {English: "The record of a refusal is not as the registrar writes it.", Indonesian: "Catatan penolakan tidak sebagaimana ditulis registrar."},
	CodeRosterBroken:       {English: "A change of the roster cannot be applied to the roster before it.", Indonesian: "Perubahan daftar lembaga tidak dapat diterapkan pada daftar sebelumnya."},
	CodeBundle:             {English: "The file is not a bundle in its one form.", Indonesian: "Berkas ini bukan bundel dalam bentuk bakunya."},
	CodePolicy:             {English: "The policy cannot be read.", Indonesian: "Kebijakan tidak dapat dibaca."},
	CodeCosignature:        {English: "The cosignature of a witness of the policy does not fit the checkpoint.", Indonesian: "Tanda tangan seorang saksi dalam kebijakan tidak cocok dengan titik periksa."},
	CodeNotInLog:           {English: "The record's proof does not lead to the root that the log has signed: it does not stand in that log, or was altered.", Indonesian: "Bukti catatan ini tidak menuju akar yang ditandatangani log: catatan tidak ada di log itu, atau telah diubah."},
	CodeRecordForeign:      {English: "The record belongs neither to the roster nor to the case of the bundle.", Indonesian: "Catatan ini bukan bagian daftar lembaga dan bukan bagian kasus bundel ini."},
	CodeReceiptForged:      {English: "A receipt is not signed by the receipt key of the policy, or is not of this ledger. Whoever made it, it says nothing against the ledger.", Indonesian: "Tanda terima tidak ditandatangani dengan kunci tanda terima dalam kebijakan, atau bukan dari buku besar ini. Siapa pun pembuatnya, ini tidak membuktikan apa pun terhadap buku besar."},
	CodeReceiptMissing:     {English: "The registrar signed a receipt for a record, and another record stands at that position: proof that whoever has the registrar's and the log's keys cheated.", Indonesian: "Registrar menandatangani tanda terima untuk sebuah catatan, tetapi catatan lain berada di posisi itu: bukti kecurangan pemegang kunci registrar dan log."},
	CodeReceiptContradicts: {English: "A receipt says something else of its record than the record itself.", Indonesian: "Tanda terima menyatakan hal lain tentang catatannya daripada catatan itu sendiri."},
	CodeReceiptOverdue:     {English: "A receipt is older than the checkpoint by more than 60 seconds, and the checkpoint does not cover it.", Indonesian: "Tanda terima lebih tua dari titik periksa lebih dari 60 detik, tetapi tidak tercakup olehnya."},
	CodeTableDiffers:       {English: "A table of the database is not what the ledger amounts to.", Indonesian: "Sebuah tabel basis data tidak sama dengan hasil buku besar."},
}

// Messages lists every code of a finding with its messages, in order of the
// codes.
func Messages() []Message {
	out := make([]Message, 0, len(messages)+64)
	for c, m := range messages {
		m.Code = c
		out = append(out, m)
	}
	for _, r := range ledger.Reasons() {
		out = append(out, refusable(r))
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Code < out[j].Code })
	return out
}

// MessageOf gives the messages of a code; ok is false for one that this program
// does not know.
func MessageOf(c Code) (m Message, ok bool) {
	if m, ok = messages[c]; ok {
		m.Code = c
		return m, true
	}
	r, ok := ledger.ReasonOf(ledger.Code(c))
	return refusable(r), ok
}

// refusable words a reason for a record that should not be there.
func refusable(r ledger.Reason) Message {
	return Message{
		Code:       Code(r.Code),
		English:    "The record should have been refused. " + r.English,
		Indonesian: "Catatan ini seharusnya ditolak. " + r.Indonesian,
	}
}
