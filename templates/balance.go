package templates

import (
	"fmt"

	"paylink"
	"paylink/money"
)

// Balance is the bar and the three numbers, in their order: paid, on its way, still to pay. With what
// was credited they add up to Total.
type Balance struct {
	Paid, Way, Due, Credited, Total money.Amount
	ID                              string // tells the stripes of two bars on one page apart
}

// BalanceOf tells a balance in three numbers. What was credited is no longer asked for, so the bar
// leaves it out.
func BalanceOf(b paylink.Balance, c money.Currency) Balance {
	return Balance{
		Paid: money.New(b.Paid, c), Way: money.New(b.Pending, c), Due: money.New(b.Due(), c), Credited: money.New(b.Credited, c),
		Total: money.New(b.Paid+b.Pending+b.Due()+b.Credited, c), ID: "b",
	}
}

// asked is what the whole bar stands for.
func (b Balance) asked() int64 { return b.Total.Minor - b.Credited.Minor }

// Segment is a piece of the bar: where it begins and how long it is, in percent of the bar.
type Segment struct{ X, Width string }

// Nothing says whether the segment has no money in it.
func (s Segment) Nothing() bool { return s.Width == "" }

// The bar is drawn at least 4 px wide for anything that is not nothing. Percent of the narrowest bar
// there is, 240 px, is what can be promised without knowing the width: 1.7 %.
const leastPermille = 17

// permille gives the lengths of paid and on-its-way, in thousandths of the bar. A total is at most
// paylink.MaxTotal, so nothing here comes near to overflow.
func (b Balance) permille() (paid, way int64) {
	if b.asked() <= 0 {
		return 0, 0
	}
	share := func(minor int64) int64 {
		if minor <= 0 {
			return 0
		}
		return max(leastPermille, minor*1000/b.asked())
	}
	paid, way = share(b.Paid.Minor), share(b.Way.Minor)
	room := int64(1000)
	if b.Due.Minor > 0 {
		room -= leastPermille // what is left stays visible too
	}
	// What the smallest segments took beyond their share, the longest gives back.
	if over := paid + way - room; over > 0 && paid >= way {
		paid -= over
	} else if over > 0 {
		way -= over
	}
	if b.Due.Minor <= 0 && paid > 0 && way > 0 {
		way = 1000 - paid // rounding leaves no track where nothing is left
	}
	return paid, way
}

func percent(permille int64) string { return fmt.Sprintf("%d.%d%%", permille/10, permille%10) }

// PaidBar is the solid segment.
func (b Balance) PaidBar() Segment {
	paid, _ := b.permille()
	if paid == 0 {
		return Segment{}
	}
	return Segment{percent(0), percent(paid)}
}

// WayBar is the striped segment.
func (b Balance) WayBar() Segment {
	paid, way := b.permille()
	if way == 0 {
		return Segment{}
	}
	return Segment{percent(paid), percent(way)}
}

// Gap is where the segment of paid money ends, and WayEnd where the striped one does; 2 px of the
// surface are drawn there. "" where nothing follows.
func (b Balance) Gap() string {
	paid, way := b.permille()
	if paid == 0 || paid == 1000 || way == 0 && b.Due.Minor == 0 {
		return ""
	}
	return percent(paid)
}

// WayEnd is where the striped segment ends; see Gap.
func (b Balance) WayEnd() string {
	paid, way := b.permille()
	if way == 0 || paid+way >= 1000 {
		return ""
	}
	return percent(paid + way)
}

// PaidPercent and WayPercent are for the sentence that tells the bar.
func (b Balance) PaidPercent() int { return b.share(b.Paid.Minor) }

// WayPercent is how much is on its way, of a hundred.
func (b Balance) WayPercent() int { return b.share(b.Way.Minor) }

func (b Balance) share(minor int64) int {
	if b.asked() <= 0 {
		return 0
	}
	return int(minor * 100 / b.asked())
}
