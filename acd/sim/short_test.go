//go:build !soak

package sim

// many is how many calls the tests against theory simulate; -tags soak has
// more.
const many = 40_000
