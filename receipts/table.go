package receipts

// row is one row of a table, measured before anything is drawn, so that the pages are counted when
// the first one says how many there are.
type row struct {
	height float64
	draw   func(y float64)
}

// room is where rows may stand, in millimetres from the top of the paper.
type room struct {
	first float64 // top of the rows on the first page
	later float64 // on the others
	full  float64 // bottom on a page that is not the last
	last  float64 // bottom on the last page, whose foot is taller
}

// paginate says how many rows stand on each page when tail millimetres must follow the last row. The
// last page has a row too, so that sums never stand alone, unless one row is all that fits.
func paginate(rows []row, in room, tail float64) []int {
	var pages []int
	count, y := 0, in.first
	for _, r := range rows {
		if y+r.height > in.full && (count > 0 || len(pages) == 0) {
			pages = append(pages, count)
			count, y = 0, in.later
		}
		count++
		y += r.height
	}
	if y+tail > in.last {
		carried := 0
		if count > 1 {
			carried = 1
		}
		if count > 0 || len(pages) == 0 {
			pages = append(pages, count-carried)
			count = carried
		}
	}
	return append(pages, count)
}

func heightOf(rows []row) float64 {
	var sum float64
	for _, r := range rows {
		sum += r.height
	}
	return sum
}
