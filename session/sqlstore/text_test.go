package sqlstore

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestText(t *testing.T) {
	const template = "SELECT {now} FROM {session} WHERE id = {text} AND owner = {bytes} AND seq = {int} AND n = '{queue name}'"
	postgres := newText(Config{Dialect: PostgreSQL, Table: "auth.s"})
	assert.Equal(t, "SELECT "+postgres.dialect.now+` FROM "auth"."s" WHERE id = $1::text AND owner = $2::bytea AND seq = $3::bigint AND n = 's_queue'`, postgres.of(template))
	mysql := newText(Config{Dialect: MySQL, Table: "s"})
	assert.Equal(t, "SELECT "+mysql.dialect.now+" FROM `s` WHERE id = ? AND owner = ? AND seq = ? AND n = 's_queue'", mysql.of(template))
	assert.Regexp(t, `^SELECT \d{19} FROM "s" WHERE id = \? `, newText(Config{Dialect: SQLite, Table: "s"}).of(template))
}

// Lists grow by the power of two, and name nothing else.
func TestPadded(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 500: 512, 512: 512} {
		all := make([]int, n)
		for i := range all {
			all[i] = i + 1
		}
		got := padded(all)
		assert.Len(t, got, want)
		for i, one := range got {
			assert.Equal(t, min(i+1, n), one)
		}
	}
}
