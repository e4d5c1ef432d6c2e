package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/berkas-ledger/berkas/ledger"
)

// Language is one in which a report can be read.
type Language string

// Languages.
const (
	English    Language = "en"
	Indonesian Language = "id"
)

// Languages lists those of reports.
var Languages = []Language{English, Indonesian}

// phrases are the sentences of a report; %-verbs stand in the same order in each
// language.
type phrases struct {
	valid, notValid, unproven                              string
	rests, policy, checkpoint, witness, noWitness, held    string
	agrees, contradicts, last, log, without                string
	checked, records, signatures, mandates, schemas, cases string
	refusals, since, receipts, tables                      string
	unchecked                                              string
	left                                                   map[Unchecked]string
	findings, more, position, expected, found              string
	proof, proofReceipt, proofCheckpoint, proofLeaf        string
}

var spoken = map[Language]*phrases{
	English: {
		valid:      "VALID. The ledger %s is what its agencies signed, up to record %d of %s.\n",
		notValid:   "NOT VALID. The ledger %s was audited up to record %d of %s; %d findings.\n",
		unproven:   "NOT VALID. No checkpoint of the ledger %s could be relied on, so nothing of it is proven; %d findings.\n",
		rests:      "\nWhat this rests on\n",
		policy:     "  The policy that this auditor holds: the log's key, the receipts' key, the first record, witnesses by quorum %q.\n",
		checkpoint: "  A checkpoint signed with the log's key: %d records, Merkle root %s.\n",
		witness:    "  Witness %s cosigned the checkpoint at %s: it says that it has seen none that contradicts it.\n",
		noWitness:  "  No witness: that everybody is shown this same ledger rests on the operator's word.\n",
		held:       "  Held against %s (%d records): %s.\n",
		agrees:     "the ledger begins with all of it", contradicts: "IT CONTRADICTS THE LEDGER", last: "the checkpoint that this auditor saw last", log: "the log",
		without: "    Record %d says that it was recorded at %s; at %s a witness saw the log without it. It was back-dated,\n" +
			"    or the log was not sealed for so long: ask the operator.\n",
		checked:    "\nWhat was checked\n",
		records:    "  Records: %d. Their form, that none is missing, the order of recording, their hashes, and the Merkle root from all of them.\n",
		signatures: "  Signatures: %d. Whether each is by a key that was valid at its record's position, by the roster's %d records.\n",
		mandates:   "  Mandates, when it happened and when it was recorded. Recorded late, under the mandate for that: %d.\n",
		schemas:    "  The data of every record against the schema of its kind and version.\n",
		cases:      "  Events: %d, of %d cases. Whether each may follow what stands before it, by the rules of its time.\n",
		refusals:   "  Refusals: %d. Whether they are as the registrar writes and signs them.\n",
		since:      "  Records before position %d were judged by an earlier run of this auditor; by their hashes they are the same.\n",
		receipts:   "  Receipts: %d. Of these %d stand where they say, and %d are newer than the checkpoint.\n",
		tables:     "  The tables of the database up to position %d, row by row: %s.\n",
		unchecked:  "\nWhat was not checked\n",
		left: map[Unchecked]string{
			UncheckedOthers:    "records of other cases: this is a part of the ledger",
			UncheckedSchemas:   "the data against its schemas",
			UncheckedWitnesses: "that others are shown the same ledger: the policy asks for no witness",
			UncheckedEarlier:   "an earlier checkpoint (--state, --checkpoint): without one, or a witness, a ledger that was rewritten before this audit goes unnoticed",
			UncheckedReceipts:  "receipts of agencies (--receipts)",
			UncheckedTables:    "the tables of the database (--tables)",
			UncheckedUnknown:   "what records of unknown kinds say, and by which mandate: a newer version of this program may know them",
			UncheckedTruth:     "that what the agencies signed is true",
		},
		findings: "\nWhat was found\n", more: "  ... and %d more of %s\n", position: "position %d", expected: "expected", found: "found",
		proof: "\nPROOF of cheating: %s\n  The registrar signed the receipt below: event %s of %s stands at position %d since %s,\n" +
			"  its record has the hash %s. The log signed the checkpoint below, and in the log that it\n" +
			"  stands for another record stands there, with the hash %s.\n" +
			"  Both signatures cannot be honest. Keep the receipt and this report; whoever has the policy can check both.\n",
		proofReceipt: "The receipt", proofCheckpoint: "The checkpoint", proofLeaf: "The record that stands there instead",
	},
	Indonesian: {
		valid:      "SAH. Buku besar %s sama dengan yang ditandatangani lembaga-lembaganya, sampai catatan %d tertanggal %s.\n",
		notValid:   "TIDAK SAH. Buku besar %s diperiksa sampai catatan %d tertanggal %s; %d temuan.\n",
		unproven:   "TIDAK SAH. Tidak ada titik periksa buku besar %s yang dapat diandalkan, sehingga tidak ada yang terbukti; %d temuan.\n",
		rests:      "\nDasar pemeriksaan ini\n",
		policy:     "  Kebijakan yang dipegang pemeriksa: kunci log, kunci tanda terima, catatan pertama, saksi menurut kuorum %q.\n",
		checkpoint: "  Titik periksa yang ditandatangani dengan kunci log: %d catatan, akar Merkle %s.\n",
		witness:    "  Saksi %s ikut menandatangani titik periksa itu pada %s: ia menyatakan tidak melihat yang bertentangan.\n",
		noWitness:  "  Tanpa saksi: bahwa semua orang diperlihatkan buku besar yang sama hanya bersandar pada kata pengelola.\n",
		held:       "  Dibandingkan dengan %s (%d catatan): %s.\n",
		agrees:     "buku besar diawali dengan seluruh isinya", contradicts: "BERTENTANGAN DENGAN BUKU BESAR", last: "titik periksa terakhir yang dilihat pemeriksa ini", log: "log",
		without: "    Catatan %d menyatakan dicatat pada %s; pada %s seorang saksi melihat log tanpa catatan itu. Tanggalnya\n" +
			"    dimundurkan, atau log lama tidak disegel: tanyakan kepada pengelola.\n",
		checked:    "\nYang diperiksa\n",
		records:    "  Catatan: %d. Bentuknya, bahwa tidak ada yang hilang, urutan pencatatan, hash, dan akar Merkle dari semuanya.\n",
		signatures: "  Tanda tangan: %d. Apakah masing-masing dengan kunci yang berlaku pada posisi catatannya, menurut %d catatan daftar lembaga.\n",
		mandates:   "  Kewenangan, saat terjadi dan saat dicatat. Dicatat terlambat, dengan kewenangan untuk itu: %d.\n",
		schemas:    "  Data setiap catatan terhadap skema jenis dan versinya.\n",
		cases:      "  Peristiwa: %d, dari %d kasus. Apakah masing-masing boleh mengikuti yang mendahuluinya, menurut aturan pada waktunya.\n",
		refusals:   "  Penolakan: %d. Apakah sebagaimana ditulis dan ditandatangani registrar.\n",
		since:      "  Catatan sebelum posisi %d telah dinilai dalam pemeriksaan terdahulu; menurut hash-nya catatan itu sama.\n",
		receipts:   "  Tanda terima: %d. Di antaranya %d ada di tempatnya, dan %d lebih baru dari titik periksa.\n",
		tables:     "  Tabel basis data sampai posisi %d, baris demi baris: %s.\n",
		unchecked:  "\nYang tidak diperiksa\n",
		left: map[Unchecked]string{
			UncheckedOthers:    "catatan kasus lain: ini hanya bagian dari buku besar",
			UncheckedSchemas:   "data terhadap skemanya",
			UncheckedWitnesses: "bahwa orang lain diperlihatkan buku besar yang sama: kebijakan tidak mensyaratkan saksi",
			UncheckedEarlier:   "titik periksa terdahulu (--state, --checkpoint): tanpa itu, atau saksi, buku besar yang ditulis ulang sebelum pemeriksaan ini tidak ketahuan",
			UncheckedReceipts:  "tanda terima lembaga (--receipts)",
			UncheckedTables:    "tabel basis data (--tables)",
			UncheckedUnknown:   "isi catatan yang jenisnya tidak dikenal, dan kewenangannya: versi program yang lebih baru mungkin mengenalnya",
			UncheckedTruth:     "bahwa yang ditandatangani lembaga itu benar",
		},
		findings: "\nTemuan\n", more: "  ... dan %d lagi berkode %s\n", position: "posisi %d", expected: "seharusnya", found: "ditemukan",
		proof: "\nBUKTI kecurangan: %s\n  Registrar menandatangani tanda terima di bawah: peristiwa %s dari %s berada di posisi %d sejak %s,\n" +
			"  catatannya ber-hash %s. Log menandatangani titik periksa di bawah, dan dalam log yang\n" +
			"  diwakilinya catatan lain berada di situ, dengan hash %s.\n" +
			"  Kedua tanda tangan itu tidak mungkin sama-sama jujur. Simpan tanda terima dan laporan ini; siapa pun yang memegang kebijakan dapat memeriksanya.\n",
		proofReceipt: "Tanda terima", proofCheckpoint: "Titik periksa", proofLeaf: "Catatan yang berada di situ",
	},
}

// Text writes the report for people: the verdict first, then what it rests on,
// what was checked, what was not, and what was found. A language that is not
// among Languages is English.
func (r Report) Text(l Language) string {
	p, ok := spoken[l]
	if !ok {
		l, p = English, spoken[English]
	}
	var b strings.Builder
	if english, indonesian := ledger.Invented(r.Origin); english != "" {
		b.WriteString(map[Language]string{English: english, Indonesian: indonesian}[l] + "\n")
	}
	switch {
	case r.Checkpoint.Signed == "":
		fmt.Fprintf(&b, p.unproven, r.Origin, r.Total)
	case r.Valid:
		fmt.Fprintf(&b, p.valid, r.Origin, r.Checkpoint.Size, when(r.Recorded))
	default:
		fmt.Fprintf(&b, p.notValid, r.Origin, r.Judged.Records, when(r.Recorded), r.Total)
	}
	r.writeGround(&b, p)
	r.writeChecked(&b, p)
	b.WriteString(p.unchecked)
	for _, u := range append(slices.Clone(r.Unchecked), UncheckedTruth) {
		fmt.Fprintf(&b, "  - %s\n", p.left[u])
	}
	r.writeFindings(&b, p, l)
	for _, proof := range r.Proofs {
		proof.write(&b, p)
	}
	return b.String()
}

// when writes a recorded time as people in western Indonesia read it.
func when(recorded string) string {
	t, err := time.Parse(ledger.RecordedFormat, recorded)
	if err != nil {
		return "-"
	}
	return t.In(ledger.Jakarta).Format("2006-01-02 15:04:05 WIB")
}

func (r Report) writeGround(b *strings.Builder, p *phrases) {
	b.WriteString(p.rests)
	fmt.Fprintf(b, p.policy, r.Checkpoint.Quorum)
	if r.Checkpoint.Signed != "" {
		fmt.Fprintf(b, p.checkpoint, r.Checkpoint.Size, r.Checkpoint.Root)
	}
	for _, w := range r.Checkpoint.Witnesses {
		fmt.Fprintf(b, p.witness, w.Name, w.At)
	}
	if len(r.Checkpoint.Witnesses) == 0 {
		b.WriteString(p.noWitness)
	}
	for _, h := range r.Held {
		word := p.contradicts
		if h.Agrees {
			word = p.agrees
		}
		source := h.Source
		if source == HeldLast {
			source = p.last
		}
		fmt.Fprintf(b, p.held, source, h.Size, word)
		if h.Without > 0 {
			fmt.Fprintf(b, p.without, h.Without, h.Recorded, h.Seen)
		}
	}
}

func (r Report) writeChecked(b *strings.Builder, p *phrases) {
	b.WriteString(p.checked)
	j := r.Judged
	fmt.Fprintf(b, p.records, j.Records)
	fmt.Fprintf(b, p.signatures, j.Signatures, j.Roster)
	fmt.Fprintf(b, p.mandates, j.Late)
	if r.Schemas {
		b.WriteString(p.schemas)
	}
	fmt.Fprintf(b, p.cases, j.Events, j.Cases)
	fmt.Fprintf(b, p.refusals, j.Refusals)
	if r.From > 1 {
		fmt.Fprintf(b, p.since, r.From)
	}
	if r.Receipts != nil {
		fmt.Fprintf(b, p.receipts, r.Receipts.Checked, r.Receipts.Covered, r.Receipts.Newer)
	}
	if r.Tables != nil {
		fmt.Fprintf(b, p.tables, r.Tables.Position, strings.Join(r.Tables.Tables, ", "))
	}
}

func (r Report) writeFindings(b *strings.Builder, p *phrases, l Language) {
	if len(r.Findings) == 0 {
		return
	}
	b.WriteString(p.findings)
	shown := map[Code]uint64{}
	for _, f := range r.Findings {
		shown[f.Code]++
		f.write(b, p, l)
	}
	for _, m := range Messages() {
		if n := r.Counts[m.Code]; n > shown[m.Code] {
			fmt.Fprintf(b, p.more, n-shown[m.Code], m.Code)
		}
	}
}

func (f ReportedFinding) write(b *strings.Builder, p *phrases, l Language) {
	var place []string
	if f.Position > 0 {
		place = append(place, fmt.Sprintf(p.position, f.Position))
	}
	for _, s := range []string{string(f.Agency), f.Event} {
		if s != "" {
			place = append(place, s)
		}
	}
	if len(place) == 0 {
		place = []string{p.log}
	}
	message := f.English
	if l == Indonesian {
		message = f.Indonesian
	}
	fmt.Fprintf(b, "\n  %s [%s]\n    %s\n", strings.Join(place, ", "), f.Code, message)
	for _, pair := range [][2]string{{p.expected, f.Expected}, {p.found, f.Found}} {
		if pair[1] != "" {
			fmt.Fprintf(b, "    %s: %s\n", pair[0], pair[1])
		}
	}
}

func (f Proof) write(b *strings.Builder, p *phrases) {
	fmt.Fprintf(b, p.proof, f.File, f.Event, f.Agency, f.Position, when(f.Recorded), f.Promised, f.Stands)
	for _, part := range [][2]string{{p.proofReceipt, f.Receipt}, {p.proofCheckpoint, f.Checkpoint}, {p.proofLeaf, f.Leaf}} {
		if part[1] != "" {
			fmt.Fprintf(b, "\n--- %s\n%s\n", part[0], strings.TrimRight(part[1], "\n"))
		}
	}
}
