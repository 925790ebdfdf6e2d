package bss

import "slices"

// ring keeps the newest of many; the oldest go.
type ring[T any] struct {
	list []*T // oldest first
}

func (r *ring[T]) add(v T) *T {
	if len(r.list) >= maxKept {
		r.list = append(r.list[:0:0], r.list[len(r.list)-maxKept/2:]...)
	}
	r.list = append(r.list, &v)
	return &v
}

// find returns the newest that meets the condition, or nil.
func (r *ring[T]) find(is func(*T) bool) *T {
	for _, v := range slices.Backward(r.list) {
		if is(v) {
			return v
		}
	}
	return nil
}
