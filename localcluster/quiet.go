package localcluster

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// The Redis client writes lines of its own to standard error, one for each connection that
// a cluster takes along when it ends. What they say that matters comes back as an error, too.
func init() { redis.SetLogger(quiet{}) }

type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}
