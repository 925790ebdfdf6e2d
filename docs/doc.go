// Package docs holds the project's pages and the tests that keep them and the
// architecture true.
//
// # What it owns
//
// The pages (Markdown), the layers test (who may import whom), the fences of
// outside modules, and the tests that try what the pages say: YAML blocks load,
// commands run, flags, metrics, fields and endpoints are those of the code.
//
// # What it does not own
//
// Any running code.
//
// # The rule
//
// A claim that can be tested is tested here.
//
// # Concurrency
//
// None.
package docs
