package redisstate

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Read answers reads on the session's connection and looks at the head behind
// them: what a replaced owner reads counts for nothing (R18).
func (n *session) Read(ctx context.Context, reads []store.Read) error {
	if err := n.alive(); err != nil {
		return err
	}
	pipe := n.client.Pipeline()
	questions := ask(ctx, pipe, reads)
	get := pipe.Get(ctx, n.slot.Head)
	_, _ = pipe.Exec(ctx)
	for _, q := range questions {
		if err := q.answer(reads); err != nil {
			return n.failed("reading", err)
		}
	}
	if n.text == "" && errors.Is(get.Err(), redis.Nil) {
		return nil // joined a slot that no one has owned yet
	}
	return n.guarded("reading", get)
}

// readTries is how often a read over the pooled connections is tried: those that
// a server closed in the meantime are found out one by one.
const readTries = 4

// Read answers reads of committed data over the pooled connections.
func (s *Store) Read(ctx context.Context, slot store.Slot, reads []store.Read) (head task.Head, err error) {
	for range readTries {
		head, err = s.readOnce(ctx, slot, reads)
		if err == nil || isReply(err) || ctx.Err() != nil {
			break
		}
	}
	return head, err
}

func (s *Store) readOnce(ctx context.Context, slot store.Slot, reads []store.Read) (task.Head, error) {
	var head *redis.StringCmd
	var questions []question
	_, err := s.readPipe(ctx, len(reads) > 1 || !onlyGets(reads), func(pipe redis.Pipeliner) error {
		questions = ask(ctx, pipe, reads)
		if !onlyGets(reads) {
			head = pipe.Get(ctx, slot.Head)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) && !isReply(err) {
		return task.Head{}, fmt.Errorf("slot %s at redis %s: %w", slot.Tag, s.config.names(), explained(err))
	}
	for _, q := range questions {
		if err := q.answer(reads); err != nil {
			return task.Head{}, fmt.Errorf("slot %s at redis %s: %w", slot.Tag, s.config.names(), explained(err))
		}
	}
	if head == nil || errors.Is(head.Err(), redis.Nil) {
		return task.Head{}, nil
	}
	if head.Err() != nil {
		return task.Head{}, fmt.Errorf("slot %s at redis %s: %w", slot.Tag, s.config.names(), explained(head.Err()))
	}
	return task.ParseHead(head.Val())
}

// readPipe runs a pipeline; together, so that all answers are of one moment.
func (s *Store) readPipe(ctx context.Context, together bool, fill func(redis.Pipeliner) error) ([]redis.Cmder, error) {
	var client redis.UniversalClient = s.single
	if s.single == nil {
		client = s.cluster
	}
	if together {
		return client.TxPipelined(ctx, fill)
	}
	return client.Pipelined(ctx, fill)
}

func onlyGets(reads []store.Read) bool {
	for i := range reads {
		if reads[i].Kind != store.Get {
			return false
		}
	}
	return true
}

// question is a command under way and the reads that it answers: those from
// first to last.
type question struct {
	first, last int
	fields      *redis.SliceCmd           // HMGET
	value       *redis.StringCmd          // GET
	score       *redis.FloatCmd           // ZSCORE
	member      *redis.BoolCmd            // SISMEMBER
	count       *redis.IntCmd             // HLEN, ZCARD, SCARD, EXISTS
	bounds      *redis.StringCmd          // HGET of a list's bounds
	all         *redis.MapStringStringCmd // HGETALL
	part        *redis.Cmd                // the range scripts
	walk        *redis.ScanCmd            // HSCAN
}

// ask puts the commands of the reads into a pipeline. Neighbouring Gets of one
// map become one command.
func ask(ctx context.Context, pipe redis.Pipeliner, reads []store.Read) []question {
	var questions []question // mostly one: events look up many elements of one map
	for i := 0; i < len(reads); i++ {
		r := &reads[i]
		q := question{first: i, last: i}
		hash := r.Table.Kind == store.Map || r.Table.Kind == store.SortedMap || r.Table.Kind == store.List
		switch {
		case r.Kind == store.Get && hash:
			for q.last+1 < len(reads) && reads[q.last+1].Kind == store.Get && reads[q.last+1].Table.Key == r.Table.Key {
				q.last++
			}
			i = q.last
			q.fields = askFields(ctx, pipe, reads[q.first:q.last+1])
		case r.Kind == store.Get && r.Table.Kind == store.SortedSet:
			q.score = pipe.ZScore(ctx, r.Table.Key, r.Field)
		case r.Kind == store.Get && r.Table.Kind == store.Set:
			q.member = pipe.SIsMember(ctx, r.Table.Key, r.Field)
		case r.Kind == store.Get:
			q.value = pipe.Get(ctx, r.Table.Key)
		case r.Kind == store.Len && r.Table.Kind == store.List:
			q.bounds = pipe.HGet(ctx, r.Table.Key, store.BoundsField)
		case r.Kind == store.Len && hash:
			q.count = pipe.HLen(ctx, r.Table.Key)
		case r.Kind == store.Len && r.Table.Kind == store.SortedSet:
			q.count = pipe.ZCard(ctx, r.Table.Key)
		case r.Kind == store.Len && r.Table.Kind == store.Set:
			q.count = pipe.SCard(ctx, r.Table.Key)
		case r.Kind == store.Len:
			q.count = pipe.Exists(ctx, r.Table.Key)
		case r.Kind == store.Walk:
			cursor, _ := strconv.ParseUint(r.Field, 10, 64) // "": from the beginning
			q.walk = pipe.HScan(ctx, r.Table.Key, cursor, "", int64(r.Span.Limit))
		case r.Table.Kind == store.Map:
			q.all = pipe.HGetAll(ctx, r.Table.Key)
		case r.Table.Kind == store.List:
			q.part = askPart(ctx, pipe, r)
		default:
			q.part = askRange(ctx, pipe, r)
		}
		questions = append(questions, q)
	}
	return questions
}

// askFields asks for fields of one map. The arguments point to the reads, as those of commits
// do to the batch: see arguments.
func askFields(ctx context.Context, pipe redis.Pipeliner, reads []store.Read) *redis.SliceCmd {
	args := make([]any, 0, 2+len(reads))
	args = append(args, "hmget", reads[0].Table.Key)
	for i := range reads {
		args = append(args, &reads[i].Field)
	}
	c := redis.NewSliceCmd(ctx, args...)
	_ = pipe.Process(ctx, c) // queued
	return c
}

// answer puts the replies into the reads.
func (q *question) answer(reads []store.Read) error {
	r := &reads[q.first]
	switch {
	case q.fields != nil:
		return q.answerFields(reads)
	case q.value != nil:
		value, err := q.value.Result()
		r.Found, r.Value = err == nil, value
		return ignoreNil(err)
	case q.score != nil:
		err := q.score.Err()
		r.Found = err == nil
		return ignoreNil(err)
	case q.member != nil:
		found, err := q.member.Result()
		r.Found = found
		return err
	case q.bounds != nil:
		return q.answerBounds(r)
	case q.count != nil:
		count, err := q.count.Result()
		r.Count = int(count)
		return err
	case q.walk != nil:
		pairs, cursor, err := q.walk.Result()
		r.Elements, r.Value = r.Elements[:0], ""
		for i := 0; i+1 < len(pairs); i += 2 {
			r.Elements = append(r.Elements, store.Element{Field: pairs[i], Value: pairs[i+1]})
		}
		if cursor != 0 {
			r.Value = strconv.FormatUint(cursor, 10)
		}
		return err
	case q.all != nil:
		fields, err := q.all.Result()
		r.Elements = r.Elements[:0]
		for field, value := range fields {
			r.Elements = append(r.Elements, store.Element{Field: field, Value: value})
		}
		return err
	}
	return answerRange(q.part, r)
}

func (q *question) answerBounds(r *store.Read) error {
	text, err := q.bounds.Result()
	if err != nil {
		r.Count = 0
		return ignoreNil(err)
	}
	bounds, err := store.ParseBounds(text)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Table.Key, err)
	}
	r.Count = bounds.Len()
	return nil
}

func (q *question) answerFields(reads []store.Read) error {
	values, err := q.fields.Result()
	if err != nil {
		return err
	}
	if len(values) != q.last-q.first+1 {
		return fmt.Errorf("HMGET of %d fields has %d answers", q.last-q.first+1, len(values))
	}
	for i, value := range values {
		r := &reads[q.first+i]
		r.Value, r.Found = value.(string)
	}
	return nil
}

func ignoreNil(err error) error {
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}
