package mooring_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/mooring-go/mooring/loginstage"
)

// The page about settings has a row for each one that an operator can set.
func TestSettingsAreDocumented(t *testing.T) {
	page := markdown(t)["docs/settings.md"]
	for _, field := range reflect.VisibleFields(reflect.TypeFor[loginstage.Settings]()) {
		assert.Contains(t, page, "`"+field.Name+"`")
	}
}
