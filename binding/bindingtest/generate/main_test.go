package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFilesAreUpToDate(t *testing.T) {
	files, err := generate()
	require.NoError(t, err)
	for name, content := range files {
		committed, err := os.ReadFile(filepath.Join("..", "files", name))
		require.NoError(t, err)
		assert.Equal(t, committed, content, "%s: run go generate in binding/bindingtest", name)
	}
}
