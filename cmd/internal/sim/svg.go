package sim

import (
	"fmt"
	"html"
	"math"
	"strings"

	"tierline/routing"
)

// Sizes of a picture in pixels.
const (
	panelWidth, panelHeight = 230, 220
	leftMargin, topMargin   = 56, 64
	panelGap                = 34
	bottomMargin            = 44
)

// picture is an SVG file that is being written.
type picture struct {
	b             strings.Builder
	width, height int
}

func newPicture(title string, columns, rows int) *picture {
	p := &picture{
		width:  leftMargin + columns*panelWidth,
		height: topMargin + rows*(panelHeight+panelGap) - panelGap + bottomMargin,
	}
	fmt.Fprintf(&p.b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" `+
		`font-family="sans-serif" font-size="11" fill="#333">`+"\n", p.width, p.height, p.width, p.height)
	fmt.Fprintf(&p.b, "<title>%s</title>\n", html.EscapeString(title))
	fmt.Fprintf(&p.b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", p.width, p.height)
	p.text(leftMargin, 18, "start", 13, title)
	for i, t := range routing.Tiers() {
		x := float64(leftMargin + i*96)
		fmt.Fprintf(&p.b, `<path d="M%.1f 34h18" stroke="%s" stroke-width="2.5"/>`+"\n", x, colour(t))
		p.text(x+23, 38, "start", 11, t.String())
	}
	return p
}

// colour tells tiers apart, also for those who see red and green alike, and in
// print: better tiers are darker.
func colour(t routing.Tier) string {
	switch t {
	case routing.Diamond:
		return "#1b2a6b"
	case routing.Gold:
		return "#b8860b"
	case routing.Silver:
		return "#5f8fb4"
	case routing.Standard:
	}
	return "#d1603d"
}

func (p *picture) text(x, y float64, anchor string, size int, text string) {
	fmt.Fprintf(&p.b, `<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d">%s</text>`+"\n",
		x, y, anchor, size, html.EscapeString(text))
}

// panel draws one diagram. Axes are named once: at the left and at the bottom.
func (p *picture) panel(column, row int, d *panel) {
	f := frame{
		panel: d, x: leftMargin + float64(column*panelWidth), y: topMargin + float64(row*(panelHeight+panelGap)),
		w: panelWidth - 18, h: panelHeight,
	}
	if row == 0 {
		p.text(f.x+f.w/2, f.y-8, "middle", 12, d.title)
	}
	for _, v := range f.marks() {
		y := f.down(v)
		p.rule(f.x, y, f.x+f.w, y)
		if column == 0 {
			p.text(f.x-6, y+4, "end", 11, fmt.Sprintf("%.3g", v))
		}
	}
	if column == 0 {
		fmt.Fprintf(&p.b, `<text transform="translate(14 %.1f) rotate(-90)" text-anchor="middle">%s</text>`+"\n",
			f.y+f.h/2, html.EscapeString(d.name))
	}
	for _, load := range loads(d.endless) {
		if load%10 == 0 {
			x := f.right(float64(load) / 100)
			p.rule(x, f.y, x, f.y+f.h)
			p.text(x, f.y+f.h+14, "middle", 11, fmt.Sprintf("%.1f", float64(load)/100))
		}
	}
	if d.lowest {
		p.text(f.x+f.w/2, f.y+f.h+32, "middle", 11, "load")
	}
	for _, t := range routing.Tiers() {
		p.line(&f, d.lines[t], colour(t))
	}
}

func (p *picture) rule(x1, y1, x2, y2 float64) {
	fmt.Fprintf(&p.b, `<path d="M%.1f %.1fL%.1f %.1f" stroke="#ddd"/>`+"\n", x1, y1, x2, y2)
}

func (p *picture) line(f *frame, dots []dot, colour string) {
	if len(dots) == 0 {
		return
	}
	path := make([]string, 0, len(dots))
	for _, d := range dots {
		x, y := f.right(d.load), f.down(d.value)
		path = append(path, fmt.Sprintf("%.1f %.1f", x, y))
		fmt.Fprintf(&p.b, `<circle cx="%.1f" cy="%.1f" r="2" fill="%s"/>`+"\n", x, y, colour)
	}
	fmt.Fprintf(&p.b, `<path d="M%s" fill="none" stroke="%s" stroke-width="2" stroke-linejoin="round"/>`+"\n",
		strings.Join(path, "L"), colour)
}

func (p *picture) end() string {
	p.b.WriteString("</svg>\n")
	return p.b.String()
}

// frame is where a diagram stands in the picture.
type frame struct {
	*panel
	x, y, w, h float64
}

func (f *frame) right(load float64) float64 {
	all := loads(f.endless)
	low, high := float64(all[0])/100, float64(all[len(all)-1])/100
	return f.x + f.w*(load-low)/(high-low)
}

// down is the height of a value. What lies outside is drawn at the edge.
func (f *frame) down(v float64) float64 {
	v = min(max(v, f.low), f.high)
	if f.logarithmic {
		return f.y + f.h*(1-math.Log(v/f.low)/math.Log(f.high/f.low))
	}
	return f.y + f.h*(1-(v-f.low)/(f.high-f.low))
}

// marks are the values with a rule.
func (f *frame) marks() (out []float64) {
	if !f.logarithmic {
		step := 10 * math.Ceil(f.high/60)
		for v := 0.0; v <= f.high; v += step {
			out = append(out, v)
		}
		return out
	}
	for v := f.low; v < 1.001*f.high; v *= 10 {
		out = append(out, v)
		if 3*v < 1.001*f.high {
			out = append(out, 3*v)
		}
	}
	return out
}
