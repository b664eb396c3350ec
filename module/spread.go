package module

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// ReadTopics lists the topics of others that sources read.
func (p *Plan) ReadTopics() (topics []string) {
	for _, s := range p.Streams {
		for _, source := range s.Sources {
			if t := source.Depot.Topic; t != "" && !slices.Contains(topics, t) {
				topics = append(topics, t)
			}
		}
	}
	return topics
}

// Partition is the partition that a task reads in a module of so many tasks; ok is false
// if there is none.
func (d *DepotPlan) Partition(id task.ID, tasks int) (partition int32, ok bool) {
	lane, partitions := d.Lane, d.TopicPartitions
	switch {
	case d.Mirror != nil:
		lane, partitions = d.Mirror.Lane, d.Mirror.Partitions
	case d.Topic == "":
		return int32(id), int(id) < d.Partitions(tasks)
	}
	n := lane*tasks + int(id)
	return int32(n), n < partitions
}

// Spread returns the plan for topics that have so many partitions. A task reads one
// partition with one source; where a topic has more partitions than there are tasks, it is
// read in several lanes, by a source each: lane l of task t is partition l·tasks + t, and
// from lane 1 on the source's name ends with "." and the lane. Their numbers do not change
// when a topic grows. A plan without such topics is returned as it is.
func (p *Plan) Spread(tasks int, partitions map[string]int) (*Plan, error) {
	if len(p.ReadTopics()) == 0 {
		return p, nil
	}
	spread := *p
	spread.Streams = make([]*StreamPlan, len(p.Streams))
	for i, s := range p.Streams {
		stream := *s
		stream.declared = len(s.Sources)
		var err error
		if stream.Sources, err = s.spread(tasks, partitions); err != nil {
			return nil, err
		}
		spread.Streams[i] = &stream
	}
	return &spread, nil
}

func (s *StreamPlan) spread(tasks int, partitions map[string]int) ([]*SourcePlan, error) {
	lanes := 1
	for _, source := range s.Sources {
		if t := source.Depot.Topic; t != "" {
			lanes = max(lanes, (partitions[t]+tasks-1)/tasks)
		}
	}
	if n := lanes * len(s.Sources); n >= int(wire.NoSource) {
		return nil, fmt.Errorf("%s %q would read its topics with %d sources on each task, and there are %d at most: give the module more tasks", s.noun(), s.Name, n, int(wire.NoSource)-1)
	}
	depots := map[string]*DepotPlan{} // sources of one depot go on having one
	all := make([]*SourcePlan, 0, lanes*len(s.Sources))
	for lane := range lanes {
		for _, declared := range s.Sources {
			source := *declared
			source.ID = len(all)
			if lane > 0 {
				source.Name += "." + strconv.Itoa(lane)
			}
			source.Depot = declared.Depot.lane(lane, partitions, depots)
			all = append(all, &source)
		}
	}
	return all, nil
}

// lane is a depot as one lane reads it. A lane that there is not has no partitions.
func (d *DepotPlan) lane(lane int, partitions map[string]int, have map[string]*DepotPlan) *DepotPlan {
	if d.Topic == "" && lane == 0 {
		return d
	}
	of := *d
	of.Lane, of.TopicPartitions = lane, partitions[d.Topic]
	if lane > 0 {
		of.Name += "#" + strconv.Itoa(lane)
	}
	if of.Topic == "" {
		of.Topic = of.Name // with no partitions: the depot has one lane
		of.TopicPartitions, of.Mirror = 0, nil
	}
	if same := have[of.Name]; same != nil {
		return same
	}
	have[of.Name] = &of
	return &of
}

// Declared is the name that a source of the depot, or the depot itself, was declared with.
func (d *DepotPlan) Declared(name string) string {
	if d.Lane == 0 {
		return name
	}
	number := strconv.Itoa(d.Lane)
	return strings.TrimSuffix(strings.TrimSuffix(name, "."+number), "#"+number)
}

// Source returns the source of a number; ok is false if the topology has none. A lane that
// this plan was not spread over yet is that of a topic that has grown: it is its source's in all but the name.
func (s *StreamPlan) Source(number uint16) (source *SourcePlan, ok bool) {
	if int(number) < len(s.Sources) {
		return s.Sources[number], true
	}
	if s.declared == 0 || number == wire.NoSource {
		return nil, false
	}
	source = s.Sources[int(number)%s.declared]
	return source, source.Depot.Topic != ""
}

// SourceName is the name of the source of a number; "": the topology has none.
func (s *StreamPlan) SourceName(number uint16) string {
	source, ok := s.Source(number)
	switch {
	case !ok:
		return ""
	case int(number) < len(s.Sources):
		return source.Name
	}
	return source.Name + "." + strconv.Itoa(int(number)/s.declared)
}

// SourceNumber is the number of the source of a name.
func (s *StreamPlan) SourceNumber(name string) (number uint16, ok bool) {
	for _, source := range s.Sources {
		if source.Name == name {
			return uint16(source.ID), true
		}
	}
	at := strings.LastIndexByte(name, '.')
	if s.declared == 0 || at < 0 {
		return 0, false
	}
	lane, err := strconv.ParseUint(name[at+1:], 10, 16)
	for _, source := range s.Sources[:s.declared] {
		n := lane*uint64(s.declared) + uint64(source.ID)
		if err == nil && source.Name == name[:at] && source.Depot.Topic != "" && n < uint64(wire.NoSource) {
			return uint16(n), true
		}
	}
	return 0, false
}
