package ordered_test

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tierline/routing/rank/ordered"
)

// TestAgainstSlice drives a list and a plain sorted slice with the same
// commands; ranges of insertions and deletions make chunks split and join.
func TestAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := ordered.New(cmp.Compare[int])
		var want []int
		insert := func(v int) {
			i, found := slices.BinarySearch(want, v)
			if !found {
				want = slices.Insert(want, i, v)
			}
			if l.Insert(v) == found {
				t.Fatalf("Insert(%d) was wrong about the value being absent", v)
			}
		}
		remove := func(v int) {
			i, found := slices.BinarySearch(want, v)
			if found {
				want = slices.Delete(want, i, i+1)
			}
			if l.Delete(v) != found {
				t.Fatalf("Delete(%d) was wrong about the value being there", v)
			}
		}
		value := rapid.IntRange(0, 4000)
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) { insert(value.Draw(t, "v")) },
			"delete": func(t *rapid.T) { remove(value.Draw(t, "v")) },
			"insert many": func(t *rapid.T) {
				from, step := value.Draw(t, "from"), rapid.SampledFrom([]int{-2, 1, 3}).Draw(t, "step")
				for i := range 700 {
					insert(from + i*step)
				}
			},
			"delete many": func(t *rapid.T) {
				from, step := value.Draw(t, "from"), rapid.SampledFrom([]int{-1, 1, 2}).Draw(t, "step")
				for i := range 900 {
					remove(from + i*step)
				}
			},
			"": func(t *rapid.T) {
				if got := slices.Collect(l.All()); !slices.Equal(got, want) {
					t.Fatalf("got %v, want %v", got, want)
				}
				if l.Len() != len(want) {
					t.Fatalf("Len() = %d, want %d", l.Len(), len(want))
				}
				first, ok := l.First()
				if ok != (len(want) > 0) || ok && first != want[0] {
					t.Fatalf("First() = %d, %v", first, ok)
				}
				for _, i := range []int{0, len(want) / 2, len(want) - 1} {
					if i >= 0 && i < len(want) && l.At(i) != want[i] {
						t.Fatalf("At(%d) = %d, want %d", i, l.At(i), want[i])
					}
				}
			},
		})
	})
}

func TestAllStopsEarly(t *testing.T) {
	l := ordered.New(cmp.Compare[int])
	for i := range 2000 {
		l.Insert(i)
	}
	n := 0
	for v := range l.All() {
		if n++; v == 999 {
			break
		}
	}
	if n != 1000 {
		t.Errorf("saw %d values, want 1000", n)
	}
}

func TestAtOutOfRange(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	ordered.New(cmp.Compare[int]).At(0)
}
