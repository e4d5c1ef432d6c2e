package web

import (
	"github.com/berkas-ledger/berkas/ledger"
	"github.com/berkas-ledger/berkas/projections"
)

// defaultRate is the rate that the page shows first: whether authorities act on
// what they are told.
const defaultRate = 3

// treatmentRates are the turns of the procedure at which a case goes one way or
// another, in its order.
var treatmentRates = []treatmentRate{
	{
		"registered", ledger.Registered,
		[]ledger.Measure{ledger.NotRegistered},
		text{"Diregistrasi", "Registered"},
		text{"Dari terlapor yang registrasinya sudah diputus: berapa yang diregistrasi, bukan ditolak registrasinya.", "Of respondents about whose registration was decided: how many were registered and not refused."},
	},
	{
		"violation", ledger.Violation,
		[]ledger.Measure{ledger.NotViolation},
		text{"Dinilai pelanggaran", "Assessed as a violation"},
		text{"Dari terlapor yang kajiannya selesai: berapa yang dinilai melanggar, bukan tidak melanggar.", "Of respondents who were assessed: how many as a violation and not as none."},
	},
	{
		"recommended", ledger.Recommended,
		[]ledger.Measure{ledger.NotProven, ledger.Incomplete},
		text{"Direkomendasikan", "Recommended"},
		text{"Dari terlapor yang penanganannya oleh pengawas berakhir dengan suatu hasil: berapa yang direkomendasikan untuk sanksi, bukan tidak terbukti atau tidak lengkap.", "Of respondents on whom the supervisor came to a result: how many were recommended for a sanction, and not found unproven or incomplete."},
	},
	{
		"followed-up", ledger.FollowedUp,
		[]ledger.Measure{ledger.NotFollowedUp},
		text{"Ditindaklanjuti PPK", "Followed up by the authority"},
		text{"Dari terlapor yang direkomendasikan dan kasusnya tidak berakhir karena lain: berapa yang sudah ada keputusan PPK-nya, bukan masih menunggu.", "Of respondents who were recommended and whose case did not end otherwise: on how many the appointing authority (PPK) has decided, and who do not still wait."},
	},
	{
		"sanctioned", ledger.Sanctioned,
		[]ledger.Measure{ledger.DecidedNotProven},
		text{"Dijatuhi sanksi", "Sanctioned"},
		text{"Dari terlapor yang diputus PPK: berapa yang dijatuhi sanksi, bukan dinyatakan tidak terbukti.", "Of respondents on whom the authority decided: how many were sanctioned, and not found unproven."},
	},
	{
		"blocked", ledger.Blocked,
		[]ledger.Measure{ledger.PPKInProcess},
		text{"Data diblokir", "Data blocked"},
		text{"Dari terlapor yang datanya diblokir atau yang masih diperiksa PPK: berapa yang diblokir.", "Of respondents whose data are blocked or whom the authority still examines: how many are blocked."},
	},
}

// treatmentWaits are the stages whose length is compared, in the order of the
// procedure.
var treatmentWaits = []treatmentWait{
	{
		"wait-registered",
		projections.Step{From: ledger.MilestoneOpened, To: ledger.MilestoneRegistered},
		ledger.Opened,
		text{"Waktu sampai diregistrasi", "Time to registration"},
		text{"Hari dari kasus dibuka sampai diregistrasi.", "Days from the opening of the case to its registration."},
	},
	{
		"wait-assessed",
		projections.Step{From: ledger.MilestoneRegistered, To: ledger.MilestoneAssessed},
		ledger.Registered,
		text{"Waktu kajian", "Time to assessment"},
		text{"Hari dari registrasi sampai kajian terakhir.", "Days from registration to the last assessment."},
	},
	{
		"wait-recommended",
		projections.Step{From: ledger.MilestoneForwarded, To: ledger.MilestoneRecommended},
		ledger.Forwarded,
		text{"Waktu sampai direkomendasikan", "Time to recommendation"},
		text{"Hari dari diteruskan ke pengawas sampai rekomendasi kepada PPK.", "Days from being forwarded to the supervisor to the recommendation to the authority."},
	},
	{
		"wait-decided",
		projections.Step{From: ledger.MilestoneSent, To: ledger.MilestoneDecreed},
		ledger.Recommended,
		text{"Waktu sampai keputusan PPK", "Time to the authority's decree"},
		text{"Hari dari rekomendasi dikirim sampai tanggal keputusan PPK.", "Days from the day on which the recommendation was sent to the day of the decree."},
	},
	{
		"wait-delivered",
		projections.Step{From: ledger.MilestoneDecreed, To: ledger.MilestoneDelivered},
		ledger.FollowedUp,
		text{"Waktu penyerahan keputusan", "Time to delivery"},
		text{"Hari dari tanggal keputusan sampai diserahkan kepada terlapor.", "Days from the day of the decree to its delivery to the respondent."},
	},
}
