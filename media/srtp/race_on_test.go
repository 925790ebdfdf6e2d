//go:build race

package srtp

// raceDetector says that a sync.Pool forgets at random, to find races.
const raceDetector = true
