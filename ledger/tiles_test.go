package ledger_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/ledger"
)

func TestTilePaths(t *testing.T) {
	for path, tile := range map[string]ledger.Tile{
		"tile/0/000":                {Level: 0, Index: 0, Width: 256},
		"tile/0/000.p/1":            {Level: 0, Index: 0, Width: 1},
		"tile/3/x001/x234/067":      {Level: 3, Index: 1234067, Width: 256},
		"tile/1/x001/234.p/255":     {Level: 1, Index: 1234, Width: 255},
		"tile/entries/x001/000.p/7": {Level: ledger.LevelEntries, Index: 1000, Width: 7},
		"tile/entries/999":          {Level: ledger.LevelEntries, Index: 999, Width: 256},
	} {
		if got := tile.Path(); got != path {
			t.Errorf("%+v has the path %s, want %s", tile, got, path)
		}
		if got, err := ledger.ParseTile(path); err != nil || got != tile {
			t.Errorf("%s reads as %+v, %v; want %+v", path, got, err, tile)
		}
	}
}

var badTiles = []string{
	"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "/tile/0/000", "tile/0/000/", "tile//000", "tile/00/000",
	"tile/+1/000", "tile/-1/000", "tile/7/000", "tile/64/000", "tile/x/000", "tile/Entries/000", "tile/entries", "tile/entries/",
	"tile/0/x000/000", "tile/0/000/000", "tile/0/x001", "tile/0/x01/000", "tile/0/001/x000", "tile/0/X001/000", "tile/0/xx01/000",
	"tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/+1", "tile/0/000.p/1.p/1", "tile/0/000.p/1/",
	"tile/0/../0/000", "tile/0/./000", "tile/0/..", "tile/entries/../../journal/000", "tile/0/000%00", "tile/0/000\x00", "tile/0/ 00", "tile/0/\u0660\u0660\u0660",
	"tile/0/x999/x999/x999/x999/x999/999", "tile/6/x001/000", "tile/entries/x036/x028/x797/x018/x963/968", // 2^55
	"tile/0/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/x999/999",
}

func TestBadTilePaths(t *testing.T) {
	for _, path := range badTiles {
		if got, err := ledger.ParseTile(path); err == nil {
			t.Errorf("%q reads as %+v", path, got)
		}
	}
}

func TestTilePathRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tile := ledger.Tile{Level: rapid.IntRange(-1, 6).Draw(t, "level"), Width: rapid.IntRange(1, 256).Draw(t, "width")}
		tile.Index = rapid.Uint64Range(0, 1<<(63-8*(max(tile.Level, 0)+1))-1).Draw(t, "index")
		if got, err := ledger.ParseTile(tile.Path()); err != nil || got != tile {
			t.Errorf("%+v has the path %s, which reads as %+v, %v", tile, tile.Path(), got, err)
		}
	})
}

// TestTilesOfALog: C2SP's own example, a log of 70,000 records.
func TestTilesOfALog(t *testing.T) {
	for level, want := range [][]string{
		{"tile/0/272", "tile/0/273.p/112"},
		{"tile/1/000", "tile/1/001.p/17"},
		{"tile/2/000.p/1"},
		nil,
	} {
		list := ledger.Tiles(level, 0, 70_000)
		var got []string
		for _, tile := range list[max(0, len(list)-2):] {
			got = append(got, tile.Path())
		}
		if !slices.Equal(got, want) || level == 0 && len(list) != 274 {
			t.Errorf("level %d ends with %q of %d, want %q", level, got, len(list), want)
		}
	}
	if list := ledger.Tiles(ledger.LevelEntries, 273, 70_000); len(list) != 1 || list[0].Path() != "tile/entries/273.p/112" {
		t.Errorf("bundles from 273 on: %+v", list)
	}
	if list := ledger.Tiles(0, 274, 70_000); len(list) != 0 {
		t.Errorf("tiles beyond the end: %+v", list)
	}
	if list := ledger.Tiles(0, 0, 256); len(list) != 1 || list[0].Width != 256 {
		t.Errorf("tiles of 256 records: %+v", list)
	}
	if list := ledger.Tiles(0, 0, 0); len(list) != 0 {
		t.Errorf("tiles of nothing: %+v", list)
	}
}

func TestBundleRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leaves := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 600), 1, 256).Draw(t, "leaves")
		var bundle []byte
		for _, leaf := range leaves {
			bundle = ledger.AppendEntry(bundle, leaf)
		}
		got, err := ledger.ParseBundle(bundle, len(leaves))
		if err != nil || !slices.EqualFunc(got, leaves, bytes.Equal) {
			t.Fatalf("%d leaves read as %d, %v", len(leaves), len(got), err)
		}
		for _, width := range []int{len(leaves) - 1, len(leaves) + 1} {
			if _, err := ledger.ParseBundle(bundle, width); err == nil {
				t.Errorf("%d leaves read as %d", len(leaves), width)
			}
		}
		cut := rapid.IntRange(0, len(bundle)-1).Draw(t, "cut")
		if _, err := ledger.ParseBundle(bundle[:cut], len(leaves)); err == nil {
			t.Errorf("the first %d of %d bytes read as %d leaves", cut, len(bundle), len(leaves))
		}
	})
}

func TestBadBundles(t *testing.T) {
	one := ledger.AppendEntry(nil, []byte("leaf"))
	for name, tt := range map[string]struct {
		bundle []byte
		width  int
	}{
		"empty":           {nil, 1},
		"width of 0":      {nil, 0},
		"negative width":  {one, -1},
		"too wide":        {bytes.Repeat(one, 257), 257},
		"half a length":   {[]byte{0}, 1},
		"longer than all": {[]byte{0xff, 0xff, 1}, 1},
		"a byte after":    {append(bytes.Clone(one), 0), 1},
		"another after":   {bytes.Repeat(one, 2), 1},
	} {
		if got, err := ledger.ParseBundle(tt.bundle, tt.width); err == nil {
			t.Errorf("%s: %d leaves", name, len(got))
		}
	}
	most := ledger.AppendEntry(nil, make([]byte, ledger.MaxLeaf))
	if got, err := ledger.ParseBundle(bytes.Repeat(most, 256), 256); err != nil || len(got) != 256 || len(most)*256 != ledger.MaxBundle {
		t.Errorf("the largest bundle: %d leaves, %v", len(got), err)
	}
}

func FuzzParseTile(f *testing.F) {
	for _, path := range append(badTiles, "tile/0/000", "tile/3/x001/x234/067.p/17", "tile/entries/x001/000.p/7") {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		tile, err := ledger.ParseTile(path)
		if err != nil {
			return
		}
		if tile.Path() != path {
			t.Errorf("%q is accepted and written %q", path, tile.Path())
		}
		last := (tile.Index + 1) << (8 * (max(tile.Level, 0) + 1)) // the last position
		if tile.Width < 1 || tile.Width > ledger.TileWidth || last>>(8*(max(tile.Level, 0)+1)) != tile.Index+1 || last > 1<<63 {
			t.Errorf("%q is %+v, whose positions cannot be counted", path, tile)
		}
	})
}

func FuzzParseBundle(f *testing.F) {
	f.Add(goldenFile(f, "entries.bundle"), 3)
	f.Add(goldenFile(f, "entries.bundle"), 2)
	f.Add(goldenFile(f, "genesis.leaf"), 1)
	f.Add([]byte{0, 0, 0, 0}, 2)
	f.Add([]byte{}, 0)
	f.Add([]byte{0xff}, -1)
	f.Add([]byte{0xff, 0xff}, 1000)
	f.Fuzz(func(t *testing.T, bundle []byte, width int) {
		leaves, err := ledger.ParseBundle(bundle, width)
		if err != nil {
			return
		}
		var again []byte
		for _, leaf := range leaves {
			again = ledger.AppendEntry(again, leaf)
		}
		if !bytes.Equal(again, bundle) || len(leaves) != width {
			t.Errorf("%d leaves, written as %x", len(leaves), again)
		}
	})
}

func ExampleTile_Path() {
	fmt.Println(ledger.Tile{Level: 0, Index: 1234067, Width: 5}.Path())
	// Output: tile/0/x001/x234/067.p/5
}
