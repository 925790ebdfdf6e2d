package ordered

import (
	"iter"
	"slices"
)

// maxChunk bounds what an insertion moves: 4 kB of pointers.
const maxChunk = 512

// List is a sorted sequence without duplicates.
type List[T any] struct {
	compare func(a, b T) int
	chunks  [][]T // none is empty
	n       int
}

// New returns an empty list in the order of compare.
func New[T any](compare func(a, b T) int) *List[T] { return &List[T]{compare: compare} }

// Len returns the number of values.
func (l *List[T]) Len() int { return l.n }

// Insert adds v and reports whether it was absent.
func (l *List[T]) Insert(v T) bool {
	if len(l.chunks) == 0 {
		l.chunks, l.n = append(l.chunks, append(make([]T, 0, 4), v)), 1
		return true
	}
	ci := min(l.chunkOf(v), len(l.chunks)-1)
	i, found := slices.BinarySearchFunc(l.chunks[ci], v, l.compare)
	if found {
		return false
	}
	c := slices.Insert(l.chunks[ci], i, v)
	l.chunks[ci] = c
	l.n++
	if len(c) > maxChunk {
		half := len(c) / 2
		if ci == len(l.chunks)-1 {
			half = len(c) - 1 // arrivals mostly append: leave full chunks behind
		}
		right := slices.Clone(c[half:])
		clear(c[half:])
		l.chunks[ci] = c[:half]
		l.chunks = slices.Insert(l.chunks, ci+1, right)
	}
	return true
}

// Delete removes v and reports whether it was there.
func (l *List[T]) Delete(v T) bool {
	ci := l.chunkOf(v)
	if ci == len(l.chunks) {
		return false
	}
	i, found := slices.BinarySearchFunc(l.chunks[ci], v, l.compare)
	if !found {
		return false
	}
	l.chunks[ci] = slices.Delete(l.chunks[ci], i, i+1)
	l.n--
	l.tidy(ci)
	return true
}

// First returns the smallest value.
func (l *List[T]) First() (v T, ok bool) {
	if l.n == 0 {
		return v, false
	}
	return l.chunks[0][0], true
}

// At returns the value at position i, counted from the smallest. It is cheap
// near the front, where matching looks.
func (l *List[T]) At(i int) T {
	for _, c := range l.chunks {
		if i < len(c) {
			return c[i]
		}
		i -= len(c)
	}
	panic("ordered: position out of range")
}

// All ranges over the values in order. The list must not change meanwhile.
func (l *List[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, c := range l.chunks {
			for _, v := range c {
				if !yield(v) {
					return
				}
			}
		}
	}
}

// chunkOf returns the first chunk that may hold v.
func (l *List[T]) chunkOf(v T) int {
	i, _ := slices.BinarySearchFunc(l.chunks, v, func(c []T, v T) int { return l.compare(c[len(c)-1], v) })
	return i
}

// tidy drops an empty chunk and joins two small neighbours, so that deletions
// leave no trail of crumbs.
func (l *List[T]) tidy(ci int) {
	if len(l.chunks[ci]) == 0 {
		l.chunks = slices.Delete(l.chunks, ci, ci+1)
		return
	}
	if ci+1 < len(l.chunks) && len(l.chunks[ci])+len(l.chunks[ci+1]) <= maxChunk/2 {
		l.chunks[ci] = append(l.chunks[ci], l.chunks[ci+1]...)
		l.chunks = slices.Delete(l.chunks, ci+1, ci+2)
	}
}

// Count returns how many values fulfil a condition that holds up to some value
// and for none after it. It looks at one chunk, and at the end of some others.
func (l *List[T]) Count(holds func(T) bool) (n int) {
	ci, _ := slices.BinarySearchFunc(l.chunks, true, func(c []T, _ bool) int { return below(holds(c[len(c)-1])) })
	for _, c := range l.chunks[:ci] {
		n += len(c)
	}
	if ci < len(l.chunks) {
		i, _ := slices.BinarySearchFunc(l.chunks[ci], true, func(v T, _ bool) int { return below(holds(v)) })
		n += i
	}
	return n
}

// below says on which side of the border a value is.
func below(holds bool) int {
	if holds {
		return -1
	}
	return 1
}
