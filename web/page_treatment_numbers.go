package web

import "fmt"

// percent writes a share between 0 and 1, to a tenth of a per cent.
func (l lang) percent(share float64) string { return printers[l].Sprintf("%.1f", 100*share) + "%" }

// decimal writes a number to a tenth.
func (l lang) decimal(n float64) string { return printers[l].Sprintf("%.1f", n) }

// roundPercent writes a share that is a whole number of per cent.
func (l lang) roundPercent(share float64) string { return printers[l].Sprintf("%.0f", 100*share) + "%" }

// picture is a part of the page with the dimension that its rows are values of.
type picture struct {
	By      string
	Picture any
}

func rowsOf(of any, p any) (picture, error) {
	switch of := of.(type) {
	case treatmentPage:
		return picture{of.By, p}, nil
	case picture:
		return picture{of.By, p}, nil
	}
	return picture{}, fmt.Errorf("a picture of %T", of)
}

// Whole is the value of a tick that is a whole number.
func (t dotTick) Whole() int { return int(t.Value) }

// daysOf is a scale of days.
func daysOf(s dotScale) dotScale {
	s.Days = true
	return s
}

// groupWord names a group. Who has no value of a dimension is not nobody: without
// a province one belongs to a central institution, and so on.
func groupWord(by, value string) text {
	switch {
	case value != "":
		return valueWord(by, value)
	case by == "province":
		return text{"tanpa provinsi (instansi pusat)", "no province (central institutions)"}
	case by == "sanction":
		return text{"tanpa sanksi", "no sanction"}
	}
	return text{"belum ditentukan", "not determined yet"}
}
