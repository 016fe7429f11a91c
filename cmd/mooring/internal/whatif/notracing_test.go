//go:build !race

package whatif

// racing reports whether the race detector watches the tests.
const racing = false
