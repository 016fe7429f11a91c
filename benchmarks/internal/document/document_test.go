package document

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTextIsPutBetweenTheMarkers(t *testing.T) {
	const before = "# Title\n\n<!-- a: begin -->\nold\n<!-- a: end -->\n\nrest <!-- b: begin -->\n<!-- b: end -->\n"
	once, err := between(before, "a", "| new |\n")
	require.NoError(t, err)
	assert.Equal(t, "# Title\n\n<!-- a: begin -->\n\n| new |\n\n<!-- a: end -->\n\nrest <!-- b: begin -->\n<!-- b: end -->\n", once)
	again, err := between(once, "a", "| new |\n")
	require.NoError(t, err)
	assert.Equal(t, once, again)

	_, err = between(before, "c", "")
	assert.ErrorContains(t, err, "c: begin")
}

func TestTheMachineIsNamed(t *testing.T) { assert.Regexp(t, `, \d+ cores, \w+, go1`, Machine()) }
