package schemas

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// notPlain stands for every number that is not a plain integer. No schema takes
// it, since all numbers of payloads are integers.
const notPlain = 0.5

// maxItems is the most that any schema allows in one array. Of a longer one
// only one item more is kept: enough to break maxItems, and a sender who fills
// 48 KiB with wrong items does not make the validator write an error for each.
const maxItems = 200

// reader is a JSON decoder that is used again: making one costs as much as
// reading an event's data with it.
type reader struct {
	input bytes.Buffer // read in place
	*jsontext.Decoder
}

var readers = sync.Pool{New: func() any {
	r := new(reader)
	r.Decoder = jsontext.NewDecoder(&r.input)
	return r
}}

// decode reads one JSON value: strictly, so that no two programs read it
// differently, and with numbers that are cheap to compare.
func decode(data []byte) (any, error) {
	r := readers.Get().(*reader)
	defer readers.Put(r)
	r.input = *bytes.NewBuffer(data)
	r.Reset(&r.input)
	v, err := decodeValue(r.Decoder)
	if err != nil {
		return nil, err
	}
	if _, err := r.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("more than one JSON value")
	}
	return v, nil
}

// decodeValue recurses at most as deep as jsontext allows, 10,000 levels.
func decodeValue(d *jsontext.Decoder) (any, error) {
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case '{':
		return decodeObject(d)
	case '[':
		return decodeArray(d)
	case '"':
		return t.String(), nil
	case '0':
		return decodeNumber(t.String()), nil
	case 't', 'f':
		return t.Bool(), nil
	default:
		return nil, nil
	}
}

func decodeObject(d *jsontext.Decoder) (any, error) {
	m := map[string]any{}
	for d.PeekKind() != '}' {
		t, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		key := t.String()
		if m[key], err = decodeValue(d); err != nil {
			return nil, err
		}
	}
	_, err := d.ReadToken()
	return m, err
}

func decodeArray(d *jsontext.Decoder) (any, error) {
	a := []any{}
	for d.PeekKind() != ']' {
		if len(a) > maxItems {
			if err := d.SkipValue(); err != nil {
				return nil, err
			}
			continue
		}
		v, err := decodeValue(d)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
	_, err := d.ReadToken()
	return a, err
}

// decodeNumber takes integers in their one spelling. 1.0 and 1e0 are integers
// to JSON Schema but not to the structs of package ledger, and 1e999999 would
// keep the library's arithmetic busy for a long time.
func decodeNumber(s string) any {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s {
		return notPlain
	}
	return n
}
