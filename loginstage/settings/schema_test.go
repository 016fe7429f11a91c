package settings_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/loginstage"
	"github.com/mooring-go/mooring/loginstage/settings"
)

// schema is what the tests read of a JSON Schema. A keyword that they do not know is a
// mistake of the test.
type schema struct {
	Schema      string            `json:"$schema"`
	Title       string            `json:"title"`
	Type        string            `json:"type"`
	Description string            `json:"description"`
	Enum        []string          `json:"enum"`
	Pattern     string            `json:"pattern"`
	Minimum     *float64          `json:"minimum"`
	Maximum     *float64          `json:"maximum"`
	Items       *schema           `json:"items"`
	Properties  map[string]schema `json:"properties"`
	Additional  *bool             `json:"additionalProperties"`
}

func schemaOf(t testing.TB) schema {
	t.Helper()
	var s schema
	decoder := json.NewDecoder(bytes.NewReader(settings.Schema()))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&s))
	return s
}

// refusal returns why the schema refuses the value, or "".
func (s schema) refusal(value any) string {
	switch value := value.(type) {
	case map[string]any:
		if s.Type != "object" {
			return "an object: want " + s.Type
		}
		for key, inside := range value {
			property, ok := s.Properties[key]
			if !ok {
				return "unknown: " + key
			}
			if why := property.refusal(inside); why != "" {
				return key + ": " + why
			}
		}
	case []any:
		if s.Type != "array" {
			return "a list: want " + s.Type
		}
		for _, item := range value {
			if why := s.Items.refusal(item); why != "" {
				return why
			}
		}
	case string:
		switch {
		case s.Type != "string":
			return "a string: want " + s.Type
		case len(s.Enum) > 0 && !slices.Contains(s.Enum, value):
			return "not one of " + strings.Join(s.Enum, ", ")
		case s.Pattern != "" && !regexp.MustCompile(s.Pattern).MatchString(value):
			return "not like " + s.Pattern
		}
	case bool:
		if s.Type != "boolean" {
			return "a boolean: want " + s.Type
		}
	case float64:
		if s.Type != "integer" || value != float64(int64(value)) || (s.Minimum != nil && value < *s.Minimum) || (s.Maximum != nil && value > *s.Maximum) {
			return fmt.Sprint(value, ": want ", s.Type)
		}
	default:
		return fmt.Sprintf("%T: want %s", value, s.Type)
	}
	return ""
}

// assertSchemaTakes holds the schema to take a document that a reader has taken.
func assertSchemaTakes(t *testing.T, document []byte) {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal(bytes.TrimPrefix(document, []byte("\ufeff")), &value))
	assert.Empty(t, schemaOf(t).refusal(value))
}

func TestTheSchemaTakesEverySetting(t *testing.T) {
	assertSchemaTakes(t, []byte(every))
	assertSchemaTakes(t, []byte(`{}`))
	for _, unit := range []string{"microseconds", "milliseconds", "seconds", "minutes", "hours", "days", "weeks"} {
		for _, text := range []string{unit + "=1", " " + strings.ToUpper(unit) + " = +1.5e-2 ", unit + "=1;seconds=0.5"} {
			document, err := json.Marshal(map[string]string{"session_duration": text})
			require.NoError(t, err)
			if settings.ReadJSON(new(loginstage.Settings), document) == nil {
				assertSchemaTakes(t, document)
			}
		}
	}
}

// Whatever the schema refuses of these, and it refuses all, the reader refuses too.
func TestTheSchemaRefusesWhatTheReaderDoes(t *testing.T) {
	root := schemaOf(t)
	assert.Equal(t, "https://json-schema.org/draft/2020-12/schema", root.Schema)
	values := []string{`1`, `1.5`, `"x"`, `"hours"`, `true`, `null`, `{}`, `[]`, `[1]`, `{"x": 1}`, `-1`, `70000`}
	refused := 0
	for _, key := range settings.Keys() {
		for _, value := range values {
			document := fmt.Sprintf(`{%q: %s}`, key, value)
			if object, name, nested := strings.Cut(key, "."); nested {
				document = fmt.Sprintf(`{%q: {%q: %s}}`, object, name, value)
			}
			var read any
			require.NoError(t, json.Unmarshal([]byte(document), &read))
			why := root.refusal(read)
			err := settings.ReadJSON(new(loginstage.Settings), []byte(document))
			if why != "" {
				refused++
				assert.Error(t, err, "%s: the schema says %s", document, why)
			} else if err != nil { // a text that the schema knows too little of
				assert.Contains(t, []string{`"x"`, `"hours"`}, value, "%s: %v", document, err)
			}
		}
	}
	assert.Greater(t, refused, 300)
	for _, document := range []string{`{"x": 1}`, `{"tolerance": {"x": 1}}`, `{"tolerance": 1}`, `[]`, `"x"`} {
		var read any
		require.NoError(t, json.Unmarshal([]byte(document), &read))
		assert.NotEmpty(t, root.refusal(read), document)
		assert.Error(t, settings.ReadJSON(new(loginstage.Settings), []byte(document)), document)
	}
}

// Names of levels are those of the types, all of them.
func TestTheSchemaNamesLevels(t *testing.T) {
	properties := schemaOf(t).Properties
	assert.Equal(t, []string{"no_binding", "bind_asn", "bind_asn_network", "bind_asn_network_ip"}, properties["network_binding"].Enum)
	assert.Equal(t, []string{"", "off", "offer", "require"}, properties["device_key"].Enum)
	assert.Equal(t, []string{"strict", "learn"}, properties["tolerance"].Properties["families"].Enum)
	assert.Empty(t, properties["tolerance"].Properties["exempt"].Enum)
	assert.Empty(t, properties["actions"].Enum)
}

// The schema in the documentation is this one. MOORING_UPDATE=1 writes it.
func TestTheSchemaIsPublished(t *testing.T) {
	const published = "../../docs/settings.schema.json"
	if os.Getenv("MOORING_UPDATE") != "" {
		require.NoError(t, os.WriteFile(published, settings.Schema(), 0o600))
	}
	text, err := os.ReadFile(published)
	require.NoError(t, err)
	assert.Equal(t, string(settings.Schema()), string(text), "MOORING_UPDATE=1 go test ./loginstage/settings writes it")
}
