package draw

import (
	"slices"
	"unicode/utf8"

	"github.com/coppice-run/coppice/module"
)

// Measures of a picture, in pixels. Text is of a fixed width, so that it can be measured.
const (
	charWidth  = 7.3
	lineHeight = 16.0
	padding    = 9.0
	gap        = 26.0 // between boxes side by side
	rowGap     = 34.0 // between rows
	margin     = 24.0
	charsMax   = 44 // of a line of a box; what is longer is cut, and whole in its title
)

// box is one thing in a picture.
type box struct {
	kind  string // class of its style
	lines []string
	title string // what is said of it in full
	x, y  float64
	w, h  float64
	row   int
}

// edge is a line from one box to another.
type edge struct {
	from, to int
	label    string
	back     bool // to a box above: a loop's next turn
}

func newBox(kind, title string, lines ...string) *box {
	b := &box{kind: kind, title: title}
	chars := 0
	for _, l := range lines {
		if l == "" {
			continue
		}
		l = cut(l)
		b.lines = append(b.lines, l)
		chars = max(chars, utf8.RuneCountInString(l))
	}
	b.w = float64(max(chars, 6))*charWidth + 2*padding
	b.h = float64(len(b.lines))*lineHeight + 2*padding - 4
	return b
}

func cut(text string) string {
	if utf8.RuneCountInString(text) <= charsMax {
		return text
	}
	runes := []rune(text)
	return string(runes[:charsMax-1]) + "…"
}

// flowBoxes makes a box for each operation of a flow.
func flowBoxes(f *module.FlowPlan) (boxes []*box, edges []edge) {
	for i := range f.Nodes {
		n := &f.Nodes[i]
		title := n.Kind + " " + n.Text + " (" + n.Line + ")"
		var b *box
		switch {
		case n.Part != "":
			b = newBox("hop", title+", all rows of "+n.Part, n.Kind+" "+n.Text, "all rows of "+n.Part)
		case n.Step != "":
			b = newBox("hop", title+", carries "+carried(n), n.Kind+" "+n.Text, "step "+n.Step, "carries "+carried(n))
		case i == 0:
			b = newBox("source", title, n.Kind, n.Text)
		default:
			b = newBox("each", title, n.Kind, n.Text)
		}
		boxes = append(boxes, b)
		for _, e := range n.Next {
			edges = append(edges, edge{i, e.To, e.Label, e.To <= i})
		}
	}
	return boxes, edges
}

// arrange places boxes in rows, each below all that lead to it, as near to below them as
// there is room; it returns how large the picture is.
func arrange(boxes []*box, edges []edge) (w, h float64) {
	for i := range boxes { // they are in an order in which all but loops goes forward
		for _, e := range edges {
			if e.from == i && !e.back {
				boxes[e.to].row = max(boxes[e.to].row, boxes[i].row+1)
			}
		}
	}
	var rows [][]int
	for i, b := range boxes {
		for len(rows) <= b.row {
			rows = append(rows, nil)
		}
		rows[b.row] = append(rows[b.row], i)
	}
	y := 0.0
	for _, row := range rows {
		y += place(boxes, edges, row, y) + rowGap
	}
	left, right := 0.0, 0.0
	for _, b := range boxes {
		left, right = min(left, b.x), max(right, b.x+b.w)
	}
	for _, b := range boxes {
		b.x -= left
	}
	return right - left, y - rowGap
}

// place puts the boxes of a row side by side, and returns how high it is.
func place(boxes []*box, edges []edge, row []int, y float64) (height float64) {
	wish := map[int]float64{} // where their middles are to be
	for _, i := range row {
		sum, n := 0.0, 0
		for _, e := range edges {
			if e.to == i && !e.back {
				sum += boxes[e.from].x + boxes[e.from].w/2
				n++
			}
		}
		if n > 0 {
			wish[i] = sum / float64(n)
		}
	}
	slices.SortStableFunc(row, func(a, b int) int {
		switch {
		case wish[a] < wish[b]:
			return -1
		case wish[a] > wish[b]:
			return 1
		}
		return 0
	})
	free, off := 0.0, 0.0
	for k, i := range row {
		b := boxes[i]
		b.y = y
		if b.x = wish[i] - b.w/2; k > 0 {
			b.x = max(b.x, free)
		}
		free = b.x + b.w + gap
		off += b.x + b.w/2 - wish[i]
		height = max(height, b.h)
	}
	for _, i := range row { // what had to move to the right moves back by half of it, all of them
		boxes[i].x -= off / float64(len(row))
	}
	return height
}
