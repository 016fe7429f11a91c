package settings

import (
	"errors"
	"fmt"
	"strings"
)

// unknown returns the mistake of a name that is none of the known: with the nearest of them
// if one is near, and otherwise with all.
func unknown(name string, known []string) error {
	nearest, distance := "", 4
	for _, one := range known {
		if d := edits(name, one, distance); d < distance {
			nearest, distance = one, d
		}
	}
	if nearest != "" {
		return fmt.Errorf("there is no such setting: want %s", nearest)
	}
	return errors.New("there is no such setting: want one of " + strings.Join(known, ", "))
}

// edits returns how many letters have to be inserted, deleted or replaced to make b of a,
// or most if it takes as many or more (Levenshtein distance).
func edits(a, b string, most int) int {
	if len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], most)
}
