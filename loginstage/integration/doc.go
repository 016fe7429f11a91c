// Package integration has tests alone: of device keys in Chromium, Firefox and
// WebKit. A test of an engine that is not installed is skipped, unless
// MOORING_REQUIRE_BROWSER is 1.
package integration
