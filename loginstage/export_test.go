package loginstage

import "context"

// AccountActive returns what the guard asks.
func (l *UserLogin) AccountActive(ctx context.Context, user string) (bool, error) {
	return l.in(ctx).accounts.active(ctx, user)
}

// AccountsKnown returns of how many users answers are remembered.
func (l *UserLogin) AccountsKnown() int {
	accounts := l.latest.Load().accounts
	accounts.mu.Lock()
	defer accounts.mu.Unlock()
	return len(accounts.known) + len(accounts.before)
}

// Snapshot returns the stage by the settings of now.
func (l *UserLogin) Snapshot(ctx context.Context) *UserLogin { return l.in(ctx) }
