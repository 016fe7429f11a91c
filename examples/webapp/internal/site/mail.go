package site

import (
	"fmt"
	"io"
	"sync"
)

// mailer prints the mails that a real application sends. It is safe for concurrent use.
type mailer struct {
	mu  sync.Mutex
	out io.Writer
}

func (m *mailer) send(to, subject, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fmt.Fprintf(m.out, "\nMail to %s: %s\n%s\n\n", to, subject, text)
}
