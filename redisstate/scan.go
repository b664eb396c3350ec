package redisstate

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/store"
)

// rangeScript answers one Range: the fields in the order of the sorted set, with
// their values from the hash, up to a number of elements and of bytes. It only
// reads, and its work is bounded by ElementsMax.
//
//	KEYS: the sorted set, the hash ("" if the table has no values)
//	ARGV: from, to, "1" if from high to low, elements at most, bytes at most
//	answer: "1" if there is more behind it, then field, value, field, value, …
const rangeScript = `
local command = ARGV[3] == '1' and 'ZREVRANGEBYLEX' or 'ZRANGEBYLEX'
local most = tonumber(ARGV[4])
local fields = redis.call(command, KEYS[1], ARGV[1], ARGV[2], 'LIMIT', '0', tostring(most + 1))
local answer, bytes, count = {'0'}, 0, math.min(#fields, most)
if #fields > most then answer[1] = '1' end
local values = {}
if #KEYS > 1 and count > 0 then
  values = redis.call('HMGET', KEYS[2], unpack(fields, 1, count))
end
for i = 1, count do
  local value = values[i] or ''
  bytes = bytes + #fields[i] + #value
  if i > 1 and bytes > tonumber(ARGV[5]) then
    answer[1] = '1'
    break
  end
  answer[#answer + 1] = fields[i]
  answer[#answer + 1] = value
end
return answer`

func askRange(ctx context.Context, pipe redis.Pipeliner, r *store.Read) *redis.Cmd {
	from, to := bounds(&r.Span)
	if r.Span.Reverse {
		from, to = to, from
	}
	keys := []string{r.Table.Key}
	if r.Table.Kind == store.SortedMap {
		keys = []string{r.Table.Index, r.Table.Key}
	}
	return pipe.EvalRO(ctx, rangeScript, keys, from, to, flag(r.Span.Reverse), limit(r.Span.Limit), store.BytesMax)
}

// partScript answers one Range of a list: its elements between two positions, as far
// as the bounds that lie beside them reach.
//
//	KEYS: the hash
//	ARGV: from, to, "1" if both are counted from the first element, "1" if from high to low, elements at most, bytes at most
//	answer: as of rangeScript
const partScript = `
local answer, bytes = {'0'}, 0
local bounds = redis.call('HGET', KEYS[1], '` + store.BoundsField + `')
if not bounds then return answer end
local first, next = string.match(bounds, '^(-?%d+) (-?%d+)$')
first, next = tonumber(first), tonumber(next)
local from, to = tonumber(ARGV[1]), tonumber(ARGV[2])
if ARGV[3] == '1' then from, to = from + first, to + first end
from, to = math.max(from, first), math.min(to, next)
local count = math.min(to - from, tonumber(ARGV[5]))
if count <= 0 then return answer end
if count < to - from then answer[1] = '1' end
local fields = {}
for i = 1, count do
  fields[i] = string.format('%.0f', ARGV[4] == '1' and to - i or from + i - 1)
end
local values = redis.call('HMGET', KEYS[1], unpack(fields))
for i = 1, count do
  local value = values[i]
  if value then
    bytes = bytes + #fields[i] + #value
    if #answer > 1 and bytes > tonumber(ARGV[6]) then
      answer[1] = '1'
      break
    end
    answer[#answer + 1] = fields[i]
    answer[#answer + 1] = value
  end
end
return answer`

func askPart(ctx context.Context, pipe redis.Pipeliner, r *store.Read) *redis.Cmd {
	p := &r.Part
	return pipe.EvalRO(ctx, partScript, []string{r.Table.Key}, p.From, p.To, flag(p.FromFirst), flag(p.Reverse), limit(p.Limit), store.BytesMax)
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func limit(own int) int {
	if own > 0 && own < store.ElementsMax {
		return own
	}
	return store.ElementsMax
}

// bounds are a span's ends in the language of ZRANGEBYLEX.
func bounds(s *store.Span) (low, high string) {
	low, high = "-", "+"
	if s.HasLow {
		low = bracket(s.LowOpen) + s.Low
	}
	if s.HasHigh {
		high = bracket(s.HighOpen) + s.High
	}
	return low, high
}

func bracket(open bool) string {
	if open {
		return "("
	}
	return "["
}

func answerRange(cmd *redis.Cmd, r *store.Read) error {
	parts, err := cmd.StringSlice()
	if err != nil {
		return err
	}
	if len(parts)%2 != 1 {
		return fmt.Errorf("the range script gave %d parts", len(parts))
	}
	r.Elements = r.Elements[:0]
	for i := 1; i < len(parts); i += 2 {
		r.Elements = append(r.Elements, store.Element{Field: parts[i], Value: parts[i+1]})
	}
	// The own limit of a span or part ends it; beyond it nothing is missing.
	own := r.Span.Limit
	if r.Table.Kind == store.List {
		own = r.Part.Limit
	}
	r.More = parts[0] == "1" && !(own > 0 && len(r.Elements) == own)
	return nil
}
