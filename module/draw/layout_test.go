package draw

import "testing"

// Boxes do not lie over each other, and all but loops leads downward.
func TestArrange(t *testing.T) {
	t.Parallel()
	boxes, edges := flowBoxes(planOf(t).Streams[0].Flows[1])
	w, h := arrange(boxes, edges)
	loops := 0
	for i, a := range boxes {
		if a.x < 0 || a.y < 0 || a.x+a.w > w+0.1 || a.y+a.h > h+0.1 {
			t.Errorf("box %d is at %.0f, %.0f, outside of %.0f, %.0f", i, a.x, a.y, w, h)
		}
		for j, b := range boxes[:i] {
			if a.x < b.x+b.w && b.x < a.x+a.w && a.y < b.y+b.h && b.y < a.y+a.h {
				t.Errorf("boxes %d (%s) and %d (%s) lie over each other", j, b.title, i, a.title)
			}
		}
	}
	for _, e := range edges {
		if e.back {
			loops++
		} else if boxes[e.to].y <= boxes[e.from].y {
			t.Errorf("from %s it goes up to %s", boxes[e.from].title, boxes[e.to].title)
		}
	}
	if loops != 1 {
		t.Errorf("%d ways back, want that of the loop", loops)
	}
}
