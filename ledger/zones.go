package ledger

import "time"

// The zones of Indonesia: UTC+7, +8 and +9 without summer time.
var (
	Makassar = time.FixedZone("WITA", 8*3600) // Central Indonesian Time
	Jayapura = time.FixedZone("WIT", 9*3600)  // Eastern Indonesian Time
)

// zones has the provinces that are not on Western Indonesian Time. Source: Keppres
// 41/1987, read with the provinces that were made since by dividing others, which
// keep the zone of the one they came from: North Kalimantan, Gorontalo, West
// Sulawesi, North Maluku, and the six of Papua.
var zones = map[string]*time.Location{
	"51": Makassar, "52": Makassar, "53": Makassar, // Bali, NTB, NTT
	"63": Makassar, "64": Makassar, "65": Makassar, // South, East and North Kalimantan
	"71": Makassar, "72": Makassar, "73": Makassar, "74": Makassar, "75": Makassar, "76": Makassar, // Sulawesi
	"81": Jayapura, "82": Jayapura, // Maluku, North Maluku
	"91": Jayapura, "92": Jayapura, "93": Jayapura, "94": Jayapura, "95": Jayapura, "96": Jayapura, // Papua
}

// ZoneOf gives the zone of a province, regency or city by its Kemendagri code;
// Jakarta for a code that the tables do not have. Days are counted in Jakarta
// wherever something happened (Date); a zone is for showing clocks only.
func ZoneOf(region string) *time.Location {
	if z, ok := zones[province(region)]; ok {
		return z
	}
	return Jakarta
}
