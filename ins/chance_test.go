package ins_test

import "regexp"

// digits of chance: in them any short number may stand without anybody having
// written it there.
var chance = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-][0-9:]+)|"duration":\d+|127\.0\.0\.1:\d+`)

// deliberate gives s without identifiers, times, durations and ports, to look
// for what should not be told.
func deliberate(s string) string { return chance.ReplaceAllString(s, "") }
