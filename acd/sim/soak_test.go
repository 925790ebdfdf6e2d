//go:build soak

package sim

const many = 1_000_000
