package redisstate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// A server that was replaced may go on answering those who are connected with it: a
// stable address leads elsewhere by now, or the rest of a cluster has elected another
// master. Its own word is worth nothing then; so the configured address is dialled
// anew, and all nodes of a cluster are asked (R18).

const (
	// lookFor is how long an answer to the question who is the master serves all who ask.
	lookFor = time.Second
	// lookEvery is the pause between two looks of a commit that waits for its level.
	lookEvery = 2 * time.Second
	// lookPatience bounds a look: meanwhile the task's commits wait.
	lookPatience = 500 * time.Millisecond
	// pooledFor bounds the life of a pooled connection, and with it how long clients go
	// on reading from a server that was replaced.
	pooledFor = 5 * time.Second
)

// present looks whether the session's server is still the master of its slot. If another
// is, the session is over. A look that fails says nothing: the session's own commands
// tell whether its server is there.
func (n *session) present(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	if n.store.single != nil {
		return n.presentAtAddress(ctx)
	}
	if n.node == "" {
		return nil // a server that hides who it is
	}
	if owner, known := n.store.claims.owner(ctx, n.store.cluster, n.slot); known && owner != n.node {
		n.store.moved(ctx)
		return n.replaced(fmt.Errorf("node %s of the cluster has the slot, and this is %s", owner, n.node))
	}
	return nil
}

// presentAtAddress looks who answers at the configured address now: by the id of the
// process, and where that is hidden by the head, which nobody but this session writes.
func (n *session) presentAtAddress(ctx context.Context) error {
	pipe := n.store.looks.Pipeline()
	server, head := pipe.Info(ctx, "server"), pipe.Get(ctx, n.slot.Head)
	_, _ = pipe.Exec(ctx)
	run := infoField(server.Val(), "run_id")
	switch text, err := head.Result(); {
	case run != "" && n.lineage.Run != "":
		if run != n.lineage.Run {
			return n.replaced(fmt.Errorf("the server there has the run id %s, and this one %s", run, n.lineage.Run))
		}
	case err != nil && !errors.Is(err, redis.Nil):
	case text != n.text:
		return n.replaced(fmt.Errorf("the head there is %q, ours %q", text, n.text))
	}
	return nil
}

func (n *session) replaced(why error) error {
	return n.over(store.ErrLost, "looking who is the slot's master", fmt.Errorf("another server is: %w", why))
}

// claims is which node of a cluster has which slot, as of the last look.
type claims struct {
	mu     sync.Mutex // held while the nodes are asked: one question for all
	at     time.Time
	owners []claim // by slot; nil: unknown
}

// claim is a node's word that a slot is its own. Of two the one of the later epoch
// counts, as it does among the nodes.
type claim struct {
	node  string
	epoch uint64
}

// owner returns the id of the node that has a slot.
func (c *claims) owner(ctx context.Context, cluster *redis.ClusterClient, slot store.Slot) (node string, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owners == nil || time.Since(c.at) >= lookFor {
		c.owners, c.at = askClaims(ctx, cluster), time.Now()
	}
	own := c.owners[task.SlotOf([]byte(slot.Tag))]
	return own.node, own.node != ""
}

// askClaims asks every node that answers what it knows of all.
func askClaims(ctx context.Context, cluster *redis.ClusterClient) []claim {
	var mu sync.Mutex
	owners := make([]claim, task.SlotCount)
	_ = cluster.ForEachShard(ctx, func(ctx context.Context, c *redis.Client) error {
		text, err := c.ClusterNodes(ctx).Result()
		if err != nil {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		readClaims(text, owners)
		return nil
	})
	return owners
}

// readClaims takes in an answer of CLUSTER NODES:
//
//	<id> <address> <flags> <master> <ping> <pong> <epoch> <link> <slot> <first>-<last> [<slot>->-<id>]
func readClaims(text string, owners []claim) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 9 {
			continue // no slots
		}
		epoch, err := strconv.ParseUint(words[6], 10, 64)
		if err != nil {
			continue
		}
		for _, word := range words[8:] {
			firstText, lastText, several := strings.Cut(word, "-")
			first, err := strconv.Atoi(firstText)
			if err != nil {
				continue // on the move: whose it is, another word says
			}
			last := first
			if several {
				if last, err = strconv.Atoi(lastText); err != nil {
					continue
				}
			}
			for slot := max(first, 0); slot <= last && slot < len(owners); slot++ {
				if own := &owners[slot]; own.node == "" || epoch > own.epoch {
					*own = claim{words[0], epoch}
				}
			}
		}
	}
}
