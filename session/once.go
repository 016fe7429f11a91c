package session

import (
	"context"
	"crypto/sha256"
	"fmt"
)

// maxOnce is how many records that [Manager.Once] makes one user may have: the
// oldest over it are ended, and an ending is kept for as long.
const maxOnce = 1024

// Once makes s live under an ID that the text decides, with no token, and returns
// [ErrExists] if that was done before and is kept: in whatever process, it succeeds
// once for one user and text. s.Expires says for how long. It is for what must not
// be used twice, such as a proof.
func (m *Manager) Once(ctx context.Context, s Session, text string) error {
	s.ID = ID{sum: sha256.Sum256([]byte("mooring once\x00" + string(s.Kind) + "\x00" + text))}
	copy(s.ID.shard[:], Shard(s.User))
	bounded, cancel := m.bound(ctx)
	defer cancel()
	ended, err := m.config.Store.Start(bounded, s, Replace{
		Max: maxOnce, Ending: Ending{Time: s.Created, Keep: s.Expires},
	})
	m.tell(ctx, ended...)
	if err != nil {
		return fmt.Errorf("session: recording once: %w", err)
	}
	return nil
}
