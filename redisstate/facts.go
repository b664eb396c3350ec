package redisstate

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/store"
)

// Facts are what a master tells of itself: for tools that judge an installation.
type Facts struct {
	Address string `json:"address"`
	Error   string `json:"error,omitempty"` // why it told nothing
	// UnseenSaves and UnseenClock are why Saves, and ClockAheadMillis with RoundTripMicros, are
	// not known; "": they are.
	UnseenSaves string `json:"unseenSaves,omitempty"`
	UnseenClock string `json:"unseenClock,omitempty"`
	Version     string `json:"version"`
	Policy      string `json:"policy"` // maxmemory-policy
	UsedBytes   int64  `json:"usedBytes"`
	MaxBytes    int64  `json:"maxBytes"` // 0: no limit
	Replicas    int    `json:"replicas"` // connected now
	AppendOnly  bool   `json:"appendOnly"`
	Saves       bool   `json:"saves"` // snapshots, at some interval
	// ClockAheadMillis is how far its clock is ahead of ours, as near as one round trip shows.
	ClockAheadMillis int64 `json:"clockAheadMillis"`
	RoundTripMicros  int64 `json:"roundTripMicros"`
}

// Facts asks every master.
func (s *Store) Facts(ctx context.Context) ([]Facts, error) {
	var mu sync.Mutex
	all := []Facts{}
	err := s.eachMaster(ctx, func(ctx context.Context, c *redis.Client) error {
		f := factsOf(ctx, c)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, f)
		return nil
	})
	slices.SortFunc(all, func(a, b Facts) int { return strings.Compare(a.Address, b.Address) })
	return all, err
}

func factsOf(ctx context.Context, c *redis.Client) Facts {
	f := Facts{Address: c.Options().Addr}
	text := ""
	for _, section := range []string{"server", "memory", "replication", "persistence"} {
		part, err := c.Info(ctx, section).Result()
		if err != nil && (!isReply(err) || errors.Is(explained(err), store.ErrDenied)) { // a server that has no such section tells the others
			f.Error = explained(err).Error()
			return f
		}
		text += part + "\r\n"
	}
	f.Version, f.Policy = infoField(text, "redis_version"), infoField(text, "maxmemory_policy")
	f.UsedBytes, f.MaxBytes = number(text, "used_memory"), number(text, "maxmemory")
	f.Replicas, _ = strconv.Atoi(infoField(text, "connected_slaves")) // a server that hides it has none to show
	f.AppendOnly = infoField(text, "aof_enabled") == "1"
	save, err := c.ConfigGet(ctx, "save").Result()
	if f.Saves = save["save"] != ""; err != nil {
		f.UnseenSaves = explained(err).Error()
	}
	asked := time.Now()
	at, err := c.Time(ctx).Result()
	if err != nil {
		f.UnseenClock = explained(err).Error()
		return f
	}
	trip := time.Since(asked)
	f.RoundTripMicros = trip.Microseconds()
	f.ClockAheadMillis = at.Sub(asked.Add(trip / 2)).Milliseconds()
	return f
}
