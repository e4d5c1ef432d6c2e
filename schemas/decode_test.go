package schemas

import (
	"reflect"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	tests := []struct {
		text string
		want any // nil with ok false: refused
		ok   bool
	}{
		{`{"a":[1,"x",true,false,null,{}],"b":-5}`, map[string]any{"a": []any{int64(1), "x", true, false, nil, map[string]any{}}, "b": int64(-5)}, true},
		{`9223372036854775807`, int64(9223372036854775807), true},
		{`9223372036854775808`, notPlain, true},
		{`1.0`, notPlain, true},
		{`1e3`, notPlain, true},
		{`1e999999999`, notPlain, true},
		{`-0`, notPlain, true},
		{`"\u00e9"`, "é", true},
		{`{"a":1,"a":1}`, nil, false},
		{`{"a":1,"\u0061":1}`, nil, false},
		{`{"a":1}{`, nil, false},
		{`{"a":1,}`, nil, false},
		{`[1,]`, nil, false},
		{`[`, nil, false},
		{"\"\xc3\"", nil, false},
		{`"\ud800"`, nil, false},
		{``, nil, false},
		{strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000), nil, false},
		{`[` + strings.Repeat("0,", maxItems+1) + `}]`, nil, false},
		{`[` + strings.Repeat("0,", maxItems+1) + `{"a":1,"a":2}]`, nil, false},
	}
	for _, tt := range tests {
		got, err := decode([]byte(tt.text))
		if (err == nil) != tt.ok || tt.ok && !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%.40s: got %v, %v", tt.text, got, err)
		}
	}
}

func TestDecodeKeepsOneItemTooMany(t *testing.T) {
	for n, want := range map[int]int{maxItems: maxItems, maxItems + 1: maxItems + 1, 20_000: maxItems + 1} {
		got, err := decode([]byte("[" + strings.Repeat("0,", n-1) + "0]"))
		if err != nil || len(got.([]any)) != want {
			t.Errorf("%d items: kept %d, want %d, error %v", n, len(got.([]any)), want, err)
		}
	}
}
