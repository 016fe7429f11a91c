package redisbase

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// The defaults of a [Config].
const (
	DefaultPrefix = "mooring"
	DefaultGrace  = time.Hour

	DefaultReplicaTimeout = time.Second
)

// maxReplicaTimeout is far below the minute for which scripts know that they ran.
const maxReplicaTimeout = 10 * time.Second

// Config is the Config of redisstore and of rueidisstore.
type Config struct {
	Prefix string
	Grace  time.Duration

	Replicas       int
	ReplicaTimeout time.Duration
}

var prefixForm = regexp.MustCompile(`^[A-Za-z0-9_.:-]+$`)

// Validate returns every mistake in c, joined, in the name of a package.
func (c Config) Validate(name string) error {
	var mistakes []error
	if c.Prefix != "" && !prefixForm.MatchString(c.Prefix) {
		mistakes = append(mistakes, fmt.Errorf("%s: Prefix %q: want letters, digits and _ . : - only", name, c.Prefix))
	}
	if c.Grace < 0 {
		mistakes = append(mistakes, fmt.Errorf("%s: Grace %s: want a positive duration, or 0 for %s", name, c.Grace, DefaultGrace))
	}
	if c.Replicas < 0 {
		mistakes = append(mistakes, fmt.Errorf("%s: Replicas %d: want a number of replicas, or 0 to wait for none", name, c.Replicas))
	}
	if c.ReplicaTimeout != 0 && (c.ReplicaTimeout < time.Millisecond || c.ReplicaTimeout > maxReplicaTimeout) {
		mistakes = append(mistakes, fmt.Errorf("%s: ReplicaTimeout %s: want %s to %s, or 0 for %s", name, c.ReplicaTimeout, time.Millisecond, maxReplicaTimeout, DefaultReplicaTimeout))
	}
	return errors.Join(mistakes...)
}

func (c Config) withDefaults() Config {
	if c.Prefix == "" {
		c.Prefix = DefaultPrefix
	}
	if c.Grace == 0 {
		c.Grace = DefaultGrace
	}
	if c.ReplicaTimeout == 0 {
		c.ReplicaTimeout = DefaultReplicaTimeout
	}
	return c
}
