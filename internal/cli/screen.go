package cli

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/vbauerster/cupwriter"
)

// screen is a terminal of which a command takes all until it closes it: what stood there before
// stands there again then.
type screen struct {
	out  io.Writer
	size func() (width, height int, err error)
	open bool
}

// screenOf is nil where out is no terminal.
func screenOf(out io.Writer) *screen {
	terminal := cupwriter.New(out, false)
	if !terminal.IsTerminal() {
		return nil
	}
	return &screen{out: out, size: terminal.GetTermSize}
}

// fits is what the terminal has room for now: it may have become another since the last look.
func (s *screen) fits() (width, height int) {
	width, height, err := s.size()
	if err != nil || width < 1 || height < 1 {
		return 80, 24
	}
	return width, height
}

// What is sent to terminals: the other screen, where no line goes on in the next, without the
// cursor; and back.
const (
	openScreen  = "\x1b[?1049h\x1b[?7l\x1b[?25l"
	closeScreen = "\x1b[?25h\x1b[?7h\x1b[?1049l"
)

// draw shows lines in the place of those before. A line is erased before it is written, and not
// all at once, so that nothing flickers.
func (s *screen) draw(lines []string) error {
	width, height := s.fits()
	var page strings.Builder
	if !s.open {
		page.WriteString(openScreen)
	}
	page.WriteString("\x1b[H")
	for i, line := range lines[:min(len(lines), height)] {
		if i > 0 {
			page.WriteString("\r\n")
		}
		page.WriteString("\x1b[2K" + clipped(line, width))
	}
	if len(lines) < height {
		page.WriteString("\r\n\x1b[J")
	}
	s.open = true // before it is known: a part may have come through
	_, err := io.WriteString(s.out, page.String())
	return err
}

// close gives the terminal back, if it was taken.
func (s *screen) close() {
	if s.open {
		s.open = false
		_, _ = io.WriteString(s.out, closeScreen) // a terminal that is gone needs nothing back
	}
}

// clipped fits a line into a width; 0: any.
func clipped(line string, width int) string {
	if width <= 0 || utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width-1]) + "…"
}

// wrapped is a text on lines of a width, a few at most, those after the first further in.
func wrapped(text string, width int) (lines []string) {
	const most, in = 3, "    "
	if width <= 2*len(in) {
		return []string{text}
	}
	for len(lines) < most-1 && utf8.RuneCountInString(text) > width {
		runes := []rune(text)
		cut := strings.LastIndex(string(runes[:width+1]), " ")
		if cut <= len(in) { // one long word
			cut = len(string(runes[:width]))
		}
		lines = append(lines, text[:cut])
		text = in + strings.TrimLeft(text[cut:], " ")
	}
	return append(lines, clipped(text, width))
}

// columns are rows below a header as table writes them. Where they are wider than width, which
// is 0 where anything fits, those columns become narrower whose numbers are given.
func columns(header string, rows [][]string, width int, flexible ...int) []string {
	const narrowest = 6
	all := [][]string{strings.Fields(header)}
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = legible(cell)
		}
		all = append(all, cells)
	}
	widths, gap := make([]int, len(all[0])), 2
	total := gap * (len(widths) - 1)
	for i := range widths {
		for _, row := range all {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		total += widths[i]
	}
	if width > 0 && total > width {
		gap, total = 1, total-len(widths)+1
	}
	for ; width > 0 && total > width; total-- {
		widest := -1
		for _, i := range flexible {
			if widths[i] > narrowest && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	lines := make([]string, len(all))
	for n, row := range all {
		var line strings.Builder
		for i, cell := range row {
			cell = clipped(cell, widths[i])
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+gap))
		}
		lines[n] = clipped(strings.TrimRight(line.String(), " "), width)
	}
	return lines
}
