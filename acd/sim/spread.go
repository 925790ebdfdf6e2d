package sim

import "math/bits"

// spread counts waits by size, to within 0.2 %, in a memory that doesn't grow
// with the number of calls.
type spread struct {
	n      int
	counts []int
}

// fine is the number of bits of a wait that are kept.
const fine = 9

// add counts a wait, which isn't negative.
func (s *spread) add(v int64) {
	i := cell(v)
	for len(s.counts) <= i {
		s.counts = append(s.counts, 0)
	}
	s.counts[i]++
	s.n++
}

func cell(v int64) int {
	high := bits.Len64(uint64(v))
	if high <= fine {
		return int(v)
	}
	shift := high - fine
	return shift<<(fine-1) + int(v>>shift)
}

// middle is the middle of the waits in a cell.
func middle(i int) int64 {
	shift := i>>(fine-1) - 1
	if shift <= 0 {
		return int64(i)
	}
	low := int64(i-shift<<(fine-1)) << shift
	return low + (int64(1)<<shift-1)/2
}

// quantile returns the wait that a share of all waits doesn't exceed.
func (s *spread) quantile(share float64) int64 {
	seen := 0
	for i, n := range s.counts {
		seen += n
		if n > 0 && float64(seen) >= share*float64(s.n) {
			return middle(i)
		}
	}
	return 0
}
