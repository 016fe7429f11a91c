package loginstage

import "context"

// AccountActive returns what the guard asks.
func (l *UserLogin) AccountActive(ctx context.Context, user string) (bool, error) {
	return l.accounts.active(ctx, user)
}

// AccountsKnown returns of how many users answers are remembered.
func (l *UserLogin) AccountsKnown() int {
	l.accounts.mu.Lock()
	defer l.accounts.mu.Unlock()
	return len(l.accounts.known) + len(l.accounts.before)
}
