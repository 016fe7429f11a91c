package sqlstore_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/session/sqlstore"
)

var dialects = map[string]sqlstore.Dialect{
	"postgresql": sqlstore.PostgreSQL, "mysql": sqlstore.MySQL, "sqlite": sqlstore.SQLite,
}

func TestDialectText(t *testing.T) {
	for text, dialect := range dialects {
		var config struct{ Dialect sqlstore.Dialect }
		require.NoError(t, json.Unmarshal([]byte(`{"Dialect":"`+text+`"}`), &config))
		require.Equal(t, dialect, config.Dialect)
		require.Equal(t, text, dialect.String())
		back, err := dialect.MarshalText()
		require.NoError(t, err)
		require.Equal(t, text, string(back))
	}
	for _, text := range []string{"", "PostgreSQL", "postgres", "oracle", "\x00"} {
		dialect := sqlstore.SQLite
		require.ErrorContains(t, dialect.UnmarshalText([]byte(text)), "want postgresql, mysql or sqlite")
		require.Equal(t, sqlstore.SQLite, dialect, "it is left as it was")
	}
	for _, dialect := range []sqlstore.Dialect{0, 99} {
		_, err := dialect.MarshalText()
		require.Error(t, err)
		require.NotEmpty(t, dialect.String())
	}
}

func TestTableNames(t *testing.T) {
	for table, works := range map[string]bool{
		"":                                       true, // the default
		"session":                                true,
		"order":                                  true, // reserved, but quoted
		"_S2":                                    true,
		strings.Repeat("x", 40):                  true,
		strings.Repeat("x", 41):                  false,
		"2s":                                     false,
		"my table":                               false,
		`x"; DROP TABLE y; --`:                   false,
		"x`; DROP TABLE y; --":                   false,
		"x'":                                     false,
		"x\x00":                                  false,
		"x\n":                                    false,
		"sitzung\u00e4":                          false,
		"{journal}":                              false,
		"x?":                                     false,
		"a.b":                                    true,
		"a.b.c":                                  false,
		".b":                                     false,
		"a.":                                     false,
		`a"."b`:                                  false,
		strings.Repeat("a", 1<<20):               false,
		strings.Repeat("a.", 41) + "x":           false,
		"public.mooring_session_of_our_service_": true,
	} {
		for name, dialect := range dialects {
			want := works && (dialect != sqlstore.SQLite || !strings.Contains(table, "."))
			schema, err := sqlstore.Schema(sqlstore.Config{Dialect: dialect, Table: table})
			if want {
				assert.NoError(t, err, "%.60q in %s", table, name)
				assert.NotContains(t, schema, "{", "a name was left out")
				continue
			}
			assert.ErrorContains(t, err, "sqlstore: Table: ", "%.60q in %s", table, name)
			assert.Empty(t, schema)
			assert.Less(t, len(errors.Join(err).Error()), 10_000)
		}
	}
}

func TestNewReportsEveryMistake(t *testing.T) {
	_, err := sqlstore.New(nil, sqlstore.Config{Dialect: 9, Table: "no good"})
	require.ErrorContains(t, err, "the database is nil")
	require.ErrorContains(t, err, "unknown dialect 9")
	require.ErrorContains(t, err, `"no good"`)

	store, err := sqlstore.New(new(sql.DB), sqlstore.Config{Dialect: sqlstore.MySQL})
	require.NoError(t, err)
	require.NoError(t, store.Close())
}

// The schema is what hosts apply with tools of their own, so a change of it is a
// change of its version. Set UPDATE=1 to write the files.
func TestSchemaIsAsDocumented(t *testing.T) {
	for name, dialect := range dialects {
		schema, err := sqlstore.Schema(sqlstore.Config{Dialect: dialect})
		require.NoError(t, err)
		file := filepath.Join("testdata", name+".golden.sql")
		if os.Getenv("UPDATE") == "1" {
			require.NoError(t, os.WriteFile(file, []byte(schema), 0o600))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), schema)
	}
}
