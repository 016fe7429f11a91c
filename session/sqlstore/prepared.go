package sqlstore

import (
	"context"
	"database/sql"
	"sync/atomic"
)

// prepared is a statement that is prepared when it is first used. Package sql
// prepares it again on each connection that needs it.
type prepared struct {
	query     string
	statement atomic.Pointer[sql.Stmt]
}

// in returns the statement. Callers that come first at the same time each
// prepare it rather than wait for one whose context may last longer.
func (p *prepared) in(ctx context.Context, db *sql.DB) (*sql.Stmt, error) {
	if statement := p.statement.Load(); statement != nil {
		return statement, nil
	}
	statement, err := db.PrepareContext(ctx, p.query)
	if err != nil {
		return nil, err
	}
	if !p.statement.CompareAndSwap(nil, statement) {
		_ = statement.Close() // another one was first
	}
	return p.statement.Load(), nil
}

func (p *prepared) close() error {
	if statement := p.statement.Load(); statement != nil {
		return statement.Close()
	}
	return nil
}
