package projections

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/berkas-ledger/berkas/internal/testkit"
	"github.com/berkas-ledger/berkas/ledger"
)

// Days that were counted when a ledger was shorter tell of it as it is now what
// counting does, for the questions that they answer, and do answer most of these.
func TestDaysTellWhatCountingDoes(t *testing.T) {
	url := testkit.DB(t)
	conn := connectTo(t, url)
	r := openColumnReader(t, url, 500, 60)
	ctx := context.Background()
	answered, trends, asked := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		b := drawBook(t)
		dropTables(t, conn)
		stand := func(b *book) *snapshot {
			if err := NewProjector(Config{URL: url}).Run(ctx, b.feed(100)); err != nil {
				t.Fatal(err)
			}
			awaitColumns(t, r)
			_, s, err := r.stand(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		before := stand(&book{records: b.records[:rapid.IntRange(1, len(b.records)).Draw(t, "days after")], recorded: b.recorded, events: b.events})
		days, err := before.daily(ctx, pick(t, "most days", 3, 1000, 1000, 1000))
		if err != nil {
			t.Fatal(err)
		}
		now := stand(b)
		if now.load != before.load {
			return // loaded anew: these days are of another ledger
		}
		values := dimensionValues(b.rows(ledger.Position(len(b.records))))
		for range 10 {
			q := drawQuery(t, b, values)
			q.Unit, q.AsOf = pick(t, "unit of days", ledger.UnitCase, ledger.UnitRespondent), ledger.DayOf(q.AsOf).End()
			by := pick(t, "by", append([]string{"", "", "", ""}, ledger.Filters...)...)
			if q.Since = drawMoment(t, b); rapid.IntRange(0, 9).Draw(t, "since") > 0 {
				q.Since = time.Time{}
			}
			p := days.part(now, q, by)
			if narrowed := len(q.Filter) + btoi(q.SeenBy != "") + btoi(by != ""); p != nil && (narrowed > 1 || !q.Since.IsZero()) {
				t.Fatalf("days take %+v by %q", q, by)
			}
			asked++
			if p == nil {
				continue
			}
			answered += sameCounts(ctx, t, p, now, q, by)
			if by == "" {
				trends += sameTrend(ctx, t, p, now, q, drawMoment(t, b).Unix()%7)
			}
		}
	})
	if answered < asked/10 || trends < asked/20 {
		t.Errorf("of %d questions days answered %d, and %d trends", asked, answered, trends)
	}
}

func sameCounts(ctx context.Context, t *rapid.T, p *dailyPart, now *snapshot, q ledger.Query, by string) int {
	var d *dimensionOf
	if by != "" {
		d = now.dimension(by)
	}
	plan := now.plan(q, allMeasures)
	want, err := plan.count(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	got := p.count(ctx, plan, d)
	if got == nil {
		return 0
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%+v by %q: days tell %v, counting %v", q, by, got, want)
	}
	return 1
}

func sameTrend(ctx context.Context, t *rapid.T, p *dailyPart, now *snapshot, q ledger.Query, every int64) int {
	var moments []int64
	for i := range int64(20) {
		moments = append(moments, columnTime(ledger.DayOf(q.AsOf.AddDate(0, 0, int(-(19-i)*every-19+i))).End()))
	}
	moments = slices.Compact(moments)
	plan := now.plan(q, q.Measures)
	want, err := plan.trend(ctx, moments)
	if err != nil {
		t.Fatal(err)
	}
	got := p.trend(ctx, plan, moments)
	if got == nil {
		return 0
	}
	for i := range want {
		if len(want[i]) > 0 {
			want[i] = want[i][:len(moments)] // what follows the last is nobody's
			got[i] = got[i][:len(moments)]
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v at %v: days tell %v, counting %v", q, moments, got, want)
	}
	return 1
}
