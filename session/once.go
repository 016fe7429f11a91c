package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// What [Manager.Once] keeps of one owner is in 256 parts, so that a call looks at few
// records. Each part has a limit: the oldest over it are forgotten.
const maxOncePart = 64

// Once returns nil the first time that any process calls it with the owner and the
// text, and [ErrExists] from then on, until keep has passed. It is for what must not be
// used twice, such as a proof. Any other error means that the store failed.
//
// The owner names, in at most 64 bytes, the client that can make such texts. What one
// owner can make the store keep is bounded: of more than 16,384 texts the oldest are
// forgotten early.
func (m *Manager) Once(ctx context.Context, owner, text string, keep time.Duration) error {
	sum := sha256.Sum256([]byte("mooring once\x00" + owner + "\x00" + text))
	now := m.Now(ctx)
	part := hex.EncodeToString(sum[:1])
	s := Session{
		Kind: KindProof, User: "mooring-once:" + part + ":" + owner,
		Created: now, LastSeen: now, Expires: now.Add(keep), ID: ID{sum: sum},
	}
	copy(s.ID.shard[:], Shard(s.User))
	bounded, cancel := m.bound(ctx)
	defer cancel()
	_, err := m.config.Store.Start(bounded, s, Replace{Max: maxOncePart, Ending: Ending{Time: now, Keep: now}})
	if err != nil {
		return fmt.Errorf("session: once: %w", err)
	}
	return nil
}
