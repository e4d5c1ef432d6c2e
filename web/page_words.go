package web

import (
	"strings"

	"github.com/berkas-ledger/berkas/ledger"
)

// words is the catalogue of the pages: for each closed vocabulary and each code
// in it the words of both languages, Indonesian first. A test holds it to the
// vocabularies of package ledger. Words of other institutions' programs would
// only get in the way: these are the ones that circulars and decrees use.
var words = map[string]map[string]text{
	"unit": {
		"case":           {"kasus", "cases"},
		"respondent":     {"terlapor", "respondents"},
		"recommendation": {"rekomendasi", "recommendations"},
		"ppk":            {"PPK", "appointing authorities"},
	},
	"unit-says": {
		"case":           {"satu berkas, berapa pun terlapornya", "one file, however many respondents it has"},
		"respondent":     {"satu entri dalam satu kasus; identitas tersegel, jadi orang tidak dapat dihitung", "one entry in one case; identities are sealed, so persons cannot be counted"},
		"recommendation": {"lembaga dan nomor surat yang berbeda", "distinct agency and letter number"},
		"ppk":            {"pejabat pembina kepegawaian yang berbeda", "distinct appointing authorities (PPK)"},
	},
	"agency": {
		"bawaslu":    {"Bawaslu", "Bawaslu"},
		"kasn":       {"KASN", "KASN"},
		"bkn":        {"BKN", "BKN"},
		"kemenpanrb": {"KemenPAN-RB", "KemenPAN-RB"},
		"kemendagri": {"Kemendagri", "Kemendagri"},
		"vault":      {"Brankas data pribadi", "Personal data vault"},
		"registrar":  {"Pencatat buku besar", "Registrar"},
	},
	"filter": {
		"origin":           {"asal", "origin"},
		"forwarded-to":     {"diteruskan ke", "forwarded to"},
		"holder":           {"pemegang", "holder"},
		"family":           {"rumpun", "family"},
		"sanction":         {"tingkat sanksi", "level of sanction"},
		"office":           {"kantor BKN", "BKN office"},
		"ppk-kind":         {"jenis PPK", "kind of authority"},
		"province-of-act":  {"provinsi perbuatan", "province of the act"},
		"province":         {"provinsi instansi", "province of the institution"},
		"institution":      {"instansi", "institution"},
		"institution-kind": {"jenis instansi", "kind of institution"},
		"class":            {"jenjang jabatan", "class of position"},
		"item":             {"butir pelanggaran", "catalogue item"},
		"contest":          {"pemilihan", "contest"},
	},
	"measure": {
		"opened":               {"Dibuka", "Opened"},
		"waiting_verification": {"Menunggu verifikasi", "Waiting for verification"},
		"rejected":             {"Ditolak saat verifikasi", "Rejected at verification"},
		"registered":           {"Diregistrasi", "Registered"},
		"not_registered":       {"Tidak diregistrasi", "Not registered"},
		"violation":            {"Dinilai pelanggaran", "Assessed as a violation"},
		"not_violation":        {"Dinilai bukan pelanggaran", "Assessed as no violation"},
		"forwarded":            {"Diteruskan", "Forwarded"},
		"in_process":           {"Dalam proses", "In process"},
		"concluded":            {"Selesai di pemegang", "Concluded by the holder"},
		"not_proven":           {"Tidak terbukti (pengawas)", "Not proven (supervisor)"},
		"incomplete":           {"Tidak lengkap", "Incomplete"},
		"recommended":          {"Direkomendasikan", "Recommended"},
		"not_followed_up":      {"Belum ditindaklanjuti", "Not followed up"},
		"ppk_in_process":       {"Dalam pemeriksaan PPK", "Being examined by the authority"},
		"admonished":           {"PPK ditegur", "Authority admonished"},
		"blocked":              {"Data diblokir", "Data blocked"},
		"unblocked":            {"Blokir dibuka", "Block lifted"},
		"followed_up":          {"Ditindaklanjuti", "Followed up"},
		"sanctioned":           {"Dijatuhi sanksi", "Sanctioned"},
		"decided_not_proven":   {"Tidak terbukti (PPK)", "Not proven (authority)"},
		"cancelled":            {"Dibatalkan", "Cancelled"},
		"left_service":         {"Tidak lagi ASN", "Left the service"},
	},
	"kind": {
		"case.opened":               {"Kasus dibuka", "Case opened"},
		"respondent.added":          {"Terlapor ditambahkan", "Respondent added"},
		"case.completeness-checked": {"Kelengkapan diperiksa", "Completeness checked"},
		"case.registered":           {"Diregistrasi", "Registered"},
		"case.not-registered":       {"Tidak diregistrasi", "Not registered"},
		"case.withdrawn":            {"Laporan dicabut", "Report withdrawn"},
		"verification.concluded":    {"Verifikasi selesai", "Verification concluded"},
		"case.assessed":             {"Kajian selesai", "Assessed"},
		"case.forwarded":            {"Kasus diteruskan", "Case forwarded"},
		"case.received":             {"Kasus diterima", "Case received"},
		"case.returned":             {"Kasus dikembalikan", "Case returned"},
		"case.clarified":            {"Klarifikasi", "Clarification"},
		"case.recommended":          {"Rekomendasi kepada PPK", "Recommendation to the appointing authority"},
		"examination.begun":         {"Pemeriksaan PPK dimulai", "Examination by the authority begun"},
		"decision.recorded":         {"Keputusan PPK dicatat", "Decree of the authority recorded"},
		"decision.delivered":        {"Keputusan diserahkan", "Decree delivered"},
		"decision.reviewed":         {"Kesesuaian keputusan diperiksa", "Conformity of the decree reviewed"},
		"decision.annulled":         {"Keputusan dibatalkan BKN", "Decree annulled by BKN"},
		"control.warned":            {"Peringatan", "Warning"},
		"control.reprimanded":       {"Teguran", "Reprimand"},
		"control.blocked":           {"Data kepegawaian diblokir", "Civil-service data blocked"},
		"control.unblocked":         {"Blokir dibuka", "Block lifted"},
		"ppk.admonished":            {"Teguran kepada PPK", "Authority admonished"},
		"ppk.sanctioned":            {"Sanksi kepada PPK", "Authority sanctioned"},
		"remedy.filed":              {"Upaya administratif diajukan", "Remedy filed"},
		"remedy.decided":            {"Upaya administratif diputus", "Remedy decided"},
		"criminal.referred":         {"Diteruskan ke Gakkumdu", "Referred to the criminal branch"},
		"criminal.concluded":        {"Proses pidana selesai", "Criminal branch concluded"},
		"respondent.left-service":   {"Terlapor tidak lagi ASN", "Respondent left the service"},
		"case.cancelled":            {"Kasus dibatalkan", "Case cancelled"},
		"case.linked":               {"Kasus ditautkan", "Case linked"},
		"evidence.attached":         {"Bukti dilampirkan", "Evidence attached"},
		"case.reopened":             {"Kasus dibuka kembali", "Case reopened"},
		"event.corrected":           {"Koreksi atas catatan", "Correction of a record"},
		"personal-data.unsealed":    {"Data pribadi dibuka segelnya", "Personal data unsealed"},
		"personal-data.erased":      {"Data pribadi dihapus", "Personal data erased"},
	},
	"stage": {
		"received":            {"diterima", "received"},
		"registered":          {"diregistrasi", "registered"},
		"assessment":          {"kajian", "assessment"},
		"forwarded":           {"diteruskan", "forwarded"},
		"clarification":       {"klarifikasi", "clarification"},
		"recommended":         {"direkomendasikan", "recommended"},
		"examined":            {"diperiksa PPK", "examined by the authority"},
		"decided":             {"diputus PPK", "decided by the authority"},
		"initial_information": {"informasi awal", "initial information"},
		"not_registered":      {"tidak diregistrasi", "not registered"},
		"rejected":            {"ditolak", "rejected"},
		"not_a_violation":     {"bukan pelanggaran", "no violation"},
		"not_proven":          {"tidak terbukti", "not proven"},
		"incomplete":          {"tidak lengkap", "incomplete"},
		"cancelled":           {"dibatalkan", "cancelled"},
		"left_service":        {"tidak lagi ASN", "left the service"},
	},
	"control": {
		"none":        {"tidak ada", "none"},
		"warned":      {"diperingatkan", "warned"},
		"reprimanded": {"ditegur", "reprimanded"},
		"blocked":     {"diblokir", "blocked"},
	},
	"criminal": {
		"none":      {"tidak ada", "none"},
		"referred":  {"diteruskan", "referred"},
		"concluded": {"selesai", "concluded"},
	},
	"remedy": {
		"none":      {"tidak ada", "none"},
		"filed":     {"diajukan", "filed"},
		"upheld":    {"dikuatkan", "upheld"},
		"lightened": {"diperingan", "lightened"},
		"increased": {"diperberat", "increased"},
		"changed":   {"diubah", "changed"},
		"annulled":  {"dibatalkan", "annulled"},
	},
	"origin":           {"report": {"laporan", "report"}, "finding": {"temuan", "finding"}},
	"family":           {"ethics": {"etik", "ethics"}, "discipline": {"disiplin", "discipline"}},
	"institution-kind": {"central": {"pusat", "central"}, "province": {"provinsi", "province"}, "regency": {"kabupaten", "regency"}, "city": {"kota", "city"}},
	"ppk-kind":         {"minister": {"menteri atau pimpinan lembaga", "minister or head of agency"}, "governor": {"gubernur", "governor"}, "regent": {"bupati", "regent"}, "mayor": {"wali kota", "mayor"}},
	"sanction": {
		"moral-closed": {"moral tertutup", "moral, closed"},
		"moral-open":   {"moral terbuka", "moral, open"},
		"light":        {"ringan", "light"},
		"medium":       {"sedang", "medium"},
		"heavy":        {"berat", "heavy"},
		"dismissal":    {"pemberhentian", "dismissal"},
	},
	"class": {
		"jpt-utama":     {"JPT utama", "principal leadership (JPT utama)"},
		"jpt-madya":     {"JPT madya", "middle leadership (JPT madya)"},
		"jpt-pratama":   {"JPT pratama", "primary leadership (JPT pratama)"},
		"administrator": {"administrator", "administrator"},
		"pengawas":      {"pengawas", "supervisor (pengawas)"},
		"fungsional":    {"fungsional", "functional (fungsional)"},
		"pelaksana":     {"pelaksana", "executive (pelaksana)"},
		"camat-lurah":   {"camat atau lurah", "district or ward head (camat, lurah)"},
	},
	"mandate": {
		"intake":            {"penerimaan laporan", "intake"},
		"assessment":        {"kajian", "assessment"},
		"verification":      {"verifikasi", "verification"},
		"clarification":     {"klarifikasi", "clarification"},
		"recommendation":    {"rekomendasi", "recommendation"},
		"follow-up":         {"tindak lanjut", "follow-up"},
		"conformity":        {"pemeriksaan kesesuaian", "conformity check"},
		"control":           {"pengendalian", "control"},
		"admonition":        {"teguran kepala daerah", "admonition of regional heads"},
		"ppk-sanction":      {"sanksi PPK", "sanction of an authority"},
		"appeals":           {"banding administratif", "appeals"},
		"criminal-referral": {"penerusan pidana", "criminal referral"},
		"regimes":           {"ketentuan dan hari libur", "regimes and holidays"},
		"contests":          {"jadwal pemilihan", "contests"},
		"vault":             {"brankas data pribadi", "personal data vault"},
		"late-recording":    {"pencatatan susulan", "late recording"},
	},
	"difference": {
		"equal":          {"sama", "equal"},
		"late-recording": {"sama menurut yang tercatat saat itu; sisanya dicatat kemudian", "equal with what was recorded by then; the rest was recorded later"},
		"window":         {"sama bila tanggalnya digeser sehari", "equal on a neighbouring day"},
		"observer":       {"sama bila dilihat dari semua lembaga", "equal whoever saw it"},
		"unit":           {"sama dalam satuan lain", "equal in another unit"},
		"duplicate":      {"sama bila kasus yang serupa dihitung sekali", "equal when cases that look alike count once"},
		"out-of-scope":   {"di luar cakupan: tidak ada di buku besar, atau sama tanpa penyaring", "out of scope: not on the ledger, or equal without a filter"},
		"unknown":        {"sebabnya belum diketahui", "the reason is not known"},
		"not-settled":    {"belum dapat ditanyakan", "cannot be asked for yet"},
	},
	"doubt": {
		"none":     {"tidak diragukan", "not in doubt"},
		"unsure":   {"sumber tidak pasti", "sources are unsure"},
		"conflict": {"sumber bertentangan", "sources conflict"},
	},
}

// word gives the words of a code. One that the catalogue does not have is shown
// as it is: a newer ledger may say what this program has not learnt.
func word(group, code string) text {
	if group == "basis" {
		return basisWord(code)
	}
	for _, catalogue := range []map[string]map[string]text{words, dataWords, backlogWords} {
		if t, ok := catalogue[group][code]; ok {
			return t
		}
	}
	return text{code, code}
}

// valueWord gives the words of a filter's value; "" stands for those that have
// none.
func valueWord(filter, value string) text {
	switch {
	case value == "":
		return text{"tidak ada", "none"}
	case filter == "office":
		return officeWord(value)
	case filter == "holder" || filter == "forwarded-to":
		return word("agency", value)
	case filter == "province" || filter == "province-of-act" || filter == "institution":
		return regionWord(value)
	case filter == "item":
		return itemWord(value)
	case filter == "contest":
		return contestWord(contestNamed(value))
	}
	return word(filter, value)
}

// basisWord words the parts of a legal basis that are no names of laws. The ledger
// keeps what it was told.
func basisWord(basis string) text {
	var id, en []string
	for part := range strings.SplitSeq(basis, "; ") {
		t, ok := dataWords["basis"][part]
		if !ok {
			t = text{part, part}
		}
		id, en = append(id, t.ID), append(en, t.EN)
	}
	return text{strings.Join(id, "; "), strings.Join(en, "; ")}
}

func officeWord(office string) text {
	if office == "central" {
		return text{"Kantor Pusat", "Head office"}
	}
	return text{"Kantor Regional " + office, "Regional office " + office}
}

func regionWord(code string) text {
	if central, ok := strings.CutPrefix(code, "central-"); ok {
		return text{"Instansi pusat " + central, "Central institution " + central}
	}
	if name, ok := ledger.RegionName(code); ok {
		return text{name, name}
	}
	return text{code, code}
}

func itemWord(code string) text {
	for _, it := range ledger.Items {
		if it.Code == code {
			return text{it.Act, it.Act + " (" + code + ")"}
		}
	}
	return text{code, code}
}

// authorityWord names an appointing authority by its key in figures, such as
// "regent-73.01".
func authorityWord(key string) text {
	kind, place, ok := strings.Cut(key, "-")
	if !ok {
		return text{key, key}
	}
	k, p := word("ppk-kind", kind), regionWord(place)
	short := strings.TrimPrefix(strings.TrimPrefix(p.ID, "Kabupaten "), "Kota ") // bupati Wajo, wali kota Makassar
	return text{k.ID + " " + short, k.EN + ", " + p.EN}
}
