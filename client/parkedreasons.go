package client

import "slices"

// ParkedReason is why records are parked: several may have the same one.
type ParkedReason struct {
	Topology string `json:"topology"`
	Handler  string `json:"handler"` // the step whose event is parked, else the source
	Reason   string `json:"reason"`
	Records  int    `json:"records"`
}

// ParkedReasons counts records by why they are parked and by what failed, the most first.
func ParkedReasons(all []ParkedRecord) (out []ParkedReason) {
	seen := map[ParkedReason]int{}
	for i := range all {
		r := &all[i]
		key := ParkedReason{Topology: r.Topology, Handler: r.Handler(), Reason: r.Reason}
		n, known := seen[key]
		if !known {
			n = len(out)
			seen[key] = n
			out = append(out, key)
		}
		out[n].Records++
	}
	slices.SortStableFunc(out, func(a, b ParkedReason) int { return b.Records - a.Records })
	return out
}
