//go:build soak

package sim

const many = 5_000_000
