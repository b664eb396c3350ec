package stack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

const slotCount = 16_384

// node is a running server of the cluster with a connection to it.
type node struct {
	Server
	client *redis.Client
}

// formCluster makes one cluster of the running masters and replicas, and
// returns when each of them sees all slots served. Nodes that belong together
// already are introduced to each other again, which changes nothing.
func formCluster(ctx context.Context, masters, replicas []Server) error {
	var nodes []node
	for _, server := range slices.Concat(masters, replicas) {
		nodes = append(nodes, node{server, redisClient(server.Address)})
	}
	defer func() {
		for _, node := range nodes {
			node.client.Close()
		}
	}()
	if err := introduce(ctx, nodes[:len(masters)], nodes); err != nil {
		return err
	}
	for i := range replicas {
		if err := follow(ctx, nodes[len(masters)+i], nodes[i]); err != nil {
			return err
		}
	}
	for _, node := range nodes {
		if err := wait(ctx, node.Name, node.ready); err != nil {
			return err
		}
	}
	return nil
}

// introduce gives new masters their slots and lets the first node meet all others.
func introduce(ctx context.Context, masters, nodes []node) error {
	for i, master := range masters {
		if err := master.assign(ctx, i, len(masters)); err != nil {
			return err
		}
	}
	for _, other := range nodes[1:] {
		host, port, err := net.SplitHostPort(other.Address)
		if err != nil {
			return fmt.Errorf("%s: %w", other.Name, err)
		}
		if err := nodes[0].client.Do(ctx, "CLUSTER", "MEET", host, port, other.SidePort).Err(); err != nil {
			return fmt.Errorf("%s: CLUSTER MEET %s: %w", nodes[0].Name, other.Address, err)
		}
	}
	for _, node := range nodes {
		err := wait(ctx, node.Name, func(ctx context.Context) error {
			known, err := node.number(ctx, "cluster_known_nodes")
			if err == nil && known < len(nodes) {
				err = fmt.Errorf("knows %d of %d nodes", known, len(nodes))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// assign gives the i-th of n masters its share of the slots, if it is new.
func (n node) assign(ctx context.Context, i, of int) error {
	isNew, err := n.isNew(ctx)
	if err != nil || !isNew {
		return err
	}
	// Distinct epochs from the start spare the nodes the resolution of a collision.
	if err := n.client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
		return fmt.Errorf("%s: CLUSTER SET-CONFIG-EPOCH: %w", n.Name, err)
	}
	first, last := slotCount*i/of, slotCount*(i+1)/of-1
	if err := n.client.Do(ctx, "CLUSTER", "ADDSLOTSRANGE", first, last).Err(); err != nil {
		return fmt.Errorf("%s: CLUSTER ADDSLOTSRANGE %d %d: %w", n.Name, first, last, err)
	}
	return nil
}

// isNew says whether the node has neither slots nor acquaintances.
func (n node) isNew(ctx context.Context) (bool, error) {
	known, err := n.number(ctx, "cluster_known_nodes")
	if err != nil {
		return false, fmt.Errorf("%s: %w", n.Name, err)
	}
	slots, err := n.number(ctx, "cluster_slots_assigned")
	if err != nil {
		return false, fmt.Errorf("%s: %w", n.Name, err)
	}
	return known == 1 && slots == 0, nil
}

// follow makes a new replica copy its master. A replica that follows somebody,
// or that was promoted and holds slots, is left as it is.
func follow(ctx context.Context, replica, master node) error {
	id, err := master.client.Do(ctx, "CLUSTER", "MYID").Text()
	if err != nil {
		return fmt.Errorf("%s: CLUSTER MYID: %w", master.Name, err)
	}
	return wait(ctx, replica.Name, func(ctx context.Context) error {
		myself, err := replica.myself(ctx)
		if err != nil || strings.Contains(myself[2], "slave") || len(myself) > 8 {
			return err
		}
		// Refused as long as the replica has not heard of the master.
		return replica.client.Do(ctx, "CLUSTER", "REPLICATE", id).Err()
	})
}

// myself is the node's own line of CLUSTER NODES: id, address, flags, master,
// two times, epoch, link state, and from the ninth field on its slots.
func (n node) myself(ctx context.Context) ([]string, error) {
	text, err := n.client.Do(ctx, "CLUSTER", "NODES").Text()
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) >= 8 && strings.Contains(fields[2], "myself") {
			return fields, nil
		}
	}
	return nil, fmt.Errorf("CLUSTER NODES has no line of the node itself: %q", text)
}

// ready succeeds when the node sees all slots served and, as a replica, follows its master.
func (n node) ready(ctx context.Context) error {
	info, err := n.info(ctx, "CLUSTER", "INFO")
	if err != nil {
		return err
	}
	if info["cluster_state"] != "ok" || info["cluster_slots_ok"] != strconv.Itoa(slotCount) {
		return fmt.Errorf("cluster_state is %s with %s of %d slots", info["cluster_state"], info["cluster_slots_ok"], slotCount)
	}
	return n.linked(ctx)
}

// linked succeeds unless the node is a replica whose link to its master is down.
func (n node) linked(ctx context.Context) error {
	replication, err := n.info(ctx, "INFO", "replication")
	if err != nil {
		return err
	}
	if replication["role"] == "slave" && replication["master_link_status"] != "up" {
		return errors.New("the link to the master is down")
	}
	return nil
}

func (n node) number(ctx context.Context, field string) (int, error) {
	info, err := n.info(ctx, "CLUSTER", "INFO")
	if err != nil {
		return 0, err
	}
	number, err := strconv.Atoi(info[field])
	if err != nil {
		return 0, fmt.Errorf("CLUSTER INFO: %s is %q: %w", field, info[field], err)
	}
	return number, nil
}

// info asks a command that answers in lines of name:value.
func (n node) info(ctx context.Context, command ...any) (map[string]string, error) {
	text, err := n.client.Do(ctx, command...).Text()
	if err != nil {
		return nil, fmt.Errorf("%v: %w", command, err)
	}
	return parseInfo(text), nil
}

func parseInfo(text string) map[string]string {
	info := make(map[string]string)
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		if name, value, found := strings.Cut(lines.Text(), ":"); found {
			info[name] = value
		}
	}
	return info
}
