package whatif

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mooring-go/mooring/cmd/mooring/internal/replay"
	"github.com/mooring-go/mooring/cmd/mooring/internal/roaming"
)

func figures(name string, ended, stopped float64) roaming.Figures {
	return roaming.Figures{Candidate: replay.Candidate{Name: name}, Ended: ended, Stopped: stopped}
}

func TestPoliciesAtOnePlaceShareADot(t *testing.T) {
	var plot scatter
	plot.add(figures("a", 0.5, 0.5), "rule")
	plot.add(figures("b", 0.1, 0.5), "rule")
	plot.add(figures("c", 0.5, 0.5), "preset")
	plot.add(figures("", 0.5, 0.5), "grid")
	plot.place()
	require.Len(t, plot.Dots, 3)
	assert.Equal(t, "1, 3", plot.Dots[0].Label)
	assert.Equal(t, "preset", plot.Dots[0].Kind)
	assert.Equal(t, "2", plot.Dots[1].Label)
	assert.Empty(t, plot.Dots[2].Label, "the grid has no numbers")
	require.Len(t, plot.Key, 3)
	assert.Equal(t, key{3, "preset", "c", "50 %", "50 %"}, plot.Key[2])
}

// Labels are beside their dots and inside the picture, wherever the dots are.
func TestLabelsAreBesideTheirDots(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var plot scatter
		for range 11 {
			plot.add(figures("policy", float64(random.IntN(11))/10, float64(random.IntN(11))/10), "rule")
		}
		plot.place()
		for _, d := range plot.Dots {
			half := 4.0 * float64(len(strings.ReplaceAll(d.Label, " ", "")))
			assert.GreaterOrEqual(t, d.LabelX-half, 0.0, "%+v", d)
			assert.LessOrEqual(t, d.LabelX+half, 382.0, "the width of the picture: %+v", d)
			assert.GreaterOrEqual(t, d.LabelY, 6.0, "%+v", d)
			assert.LessOrEqual(t, max(d.LabelX-d.X, d.X-d.LabelX)-half, 13.0, "%+v", d)
			assert.LessOrEqual(t, max(d.LabelY-d.Y, d.Y-d.LabelY), 19.0, "%+v", d)
		}
	}
}
