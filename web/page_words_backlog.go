package web

// backlogWords are the part of the catalogue about the backlog and the work list.
var backlogWords = map[string]map[string]text{
	"obligation": {
		"overdue": {"lewat tenggat", "overdue"}, "open": {"menunggu", "open"}, "met": {"dipenuhi", "met"},
		"lapsed": {"gugur", "lapsed"}, "ended": {"berakhir lain", "ended otherwise"},
	},
	"work-filter": {
		"state": {"keadaan", "state"}, "owed-by": {"yang perlu bertindak", "who has to act"}, "authority": {"PPK", "appointing authority"},
		"code": {"tenggat", "deadline"}, "awaits": {"yang ditunggu", "what is awaited"}, "regime": {"ketentuan", "regime"},
		"doubt": {"keraguan", "doubt"}, "kind": {"jenis", "kind"}, "due": {"jatuh tempo", "due"}, "due-from": {"jatuh tempo sejak", "due from"},
		"due-to": {"jatuh tempo sampai", "due until"}, "age-from": {"umur sedikitnya", "age at least"}, "age-to": {"umur paling lama", "age at most"},
	},
	"milestone": {
		"opened": {"dibuka", "opened"}, "reported": {"dilaporkan", "reported"}, "checked": {"kelengkapan diperiksa", "completeness checked"},
		"registered": {"diregistrasi", "registered"}, "verified": {"diverifikasi", "verified"}, "assessed": {"dikaji", "assessed"},
		"forwarded": {"diteruskan", "forwarded"}, "received": {"diterima", "received"}, "returned": {"dikembalikan", "returned"},
		"recommended": {"direkomendasikan", "recommended"}, "sent": {"rekomendasi dikirim", "recommendation sent"}, "admonished": {"PPK ditegur", "authority admonished"},
		"decided": {"keputusan PPK", "decree of the authority"}, "decreed": {"tanggal keputusan", "day of the decree"},
		"delivered": {"keputusan diserahkan", "decree delivered"}, "sanction-delivered": {"keputusan sanksi diserahkan", "decree of a sanction delivered"},
		"annulled": {"keputusan dibatalkan", "decree annulled"}, "objection-filed": {"keberatan diajukan", "objection filed"},
		"objection-decided": {"keberatan diputus", "objection decided"}, "appeal-filed": {"banding diajukan", "appeal filed"},
		"appeal-decided": {"banding diputus", "appeal decided"}, "reopened": {"dibuka kembali", "reopened"}, "ended": {"berakhir", "ended"},
		"processed": {"diproses", "processed"},
	},
}
