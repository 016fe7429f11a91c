package main

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/examples/webapp/internal/databases"
	"github.com/mooring-go/mooring/examples/webapp/internal/storage"
)

// Compiling the drivers takes longer than compiling all the rest.
func TestTheProgramIsBuiltWithoutDrivers(t *testing.T) {
	printed, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	require.Contains(t, string(printed), "webapp/internal/site")
	for _, driver := range []string{"database/sql", "redis", "pgx", "mysql", "sqlite"} {
		assert.NotContains(t, string(printed), driver)
	}
}

func TestTheProgramSaysWhatHasTheOtherStores(t *testing.T) {
	for _, kind := range databases.All {
		_, err := storage.Open(t.Context(), []storage.Kind{storage.Memory, elsewhere(kind.Name)}, kind.Name, storage.Settings{})
		assert.ErrorContains(t, err, "store "+kind.Name+": this program has no driver for it: go run ./examples/webapp/databases -store "+kind.Name)
	}
}
