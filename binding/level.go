package binding

import (
	"fmt"
	"slices"
	"strings"
)

// A LevelError reports text that names no binding level.
type LevelError struct {
	Kind    string   // what was to be parsed: "network binding" or "GeoIP binding"
	Input   string   // the text as it was given
	Allowed []string // every name that would have been understood
}

// Error says what was wrong and what is allowed.
func (e *LevelError) Error() string {
	return fmt.Sprintf("binding: %q is not a %s, want one of %s", e.Input, e.Kind, strings.Join(e.Allowed, ", "))
}

// parseLevel finds the level, the index into names, that s names.
func parseLevel(kind string, names []string, s string) (uint8, error) {
	if i := slices.Index(names, s); i >= 0 {
		return uint8(i), nil
	}
	return 0, &LevelError{Kind: kind, Input: s, Allowed: slices.Clone(names)}
}

// levelName returns the name of a level, or kind(n) for a number that is no level.
func levelName(kind string, names []string, level uint8) string {
	if int(level) < len(names) {
		return names[level]
	}
	return fmt.Sprintf("%s(%d)", kind, level)
}

// levelText returns the name of a level as text, or an error for a number that is
// no level.
func levelText(kind string, names []string, level uint8) ([]byte, error) {
	if int(level) < len(names) {
		return []byte(names[level]), nil
	}
	return nil, &LevelError{Kind: kind, Input: fmt.Sprint(level), Allowed: slices.Clone(names)}
}
