package main

import "testing"

func TestNeutral(t *testing.T) {
	for cell, want := range map[string]string{
		"": "", "-": "-", "opened": "opened", "-12": "-12", "+3": "+3", "a=b": "a=b",
		"=1+1": "'=1+1", "+1+1": "'+1+1", "-2+3": "'-2+3", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "=": "'=",
	} {
		if got := neutral(cell); got != want {
			t.Errorf("%q becomes %q, want %q", cell, got, want)
		}
	}
}
