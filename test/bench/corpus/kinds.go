package corpus

import (
	"strconv"
	"time"
)

// severity draws a level: errors 1.2 %, warnings 4 %, debug 10 %.
func (g *Generator) severity() string {
	switch x := g.rng.Float64(); {
	case x < 0.012:
		return "error"
	case x < 0.052:
		return "warn"
	case x < 0.152:
		return "debug"
	}
	return "info"
}

// status fits a severity.
func (g *Generator) status(severity string) int {
	switch severity {
	case "error":
		return among(g, []int{500, 502, 503, 504})
	case "warn":
		return among(g, []int{400, 404, 409, 429})
	}
	return among(g, []int{200, 200, 200, 200, 200, 200, 201, 204, 304})
}

// path appends a request path: /api/v1/RESOURCE/ID, the popular ones far more often.
func (g *Generator) path(dst []byte) []byte {
	rank := g.paths.next(g.rng)
	dst = append(dst, "/api/v"...)
	dst = strconv.AppendInt(dst, int64(1+rank%2), 10)
	dst = append(dst, '/')
	dst = append(dst, resources[rank%len(resources)]...)
	if rank%5 != 0 {
		dst = append(dst, '/')
		dst = strconv.AppendInt(dst, int64(rank)*7919%100_000, 10)
	}
	return dst
}

func (g *Generator) json(dst []byte, ms int64) []byte {
	severity := g.severity()
	message := among(g, infoMessages)
	switch severity {
	case "error":
		message = among(g, errorMessages)
	case "warn":
		message = among(g, warnMessages)
	}
	dst = append(dst, `{"time":"`...)
	dst = time.UnixMilli(ms).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	dst = append(dst, `","level":"`...)
	dst = append(dst, severity...)
	dst = append(dst, `","service":"`...)
	dst = append(dst, pick(g, services, g.services)...)
	dst = append(dst, `","host":"`...)
	dst = append(dst, among(g, g.hosts)...)
	dst = append(dst, `","region":"`...)
	dst = append(dst, among(g, regions)...)
	dst = append(dst, `","msg":"`...)
	dst = append(dst, message...)
	dst = append(dst, `","trace_id":"`...)
	dst = g.hex(dst, 32)
	dst = append(dst, `","span_id":"`...)
	dst = g.hex(dst, 16)
	dst = append(dst, `","user_id":`...)
	dst = strconv.AppendInt(dst, int64(g.users.next(g.rng))*6271%1_000_000, 10)
	dst = append(dst, `,"http":{"method":"`...)
	dst = append(dst, among(g, methods)...)
	dst = append(dst, `","path":"`...)
	dst = g.path(dst)
	dst = append(dst, `","status":`...)
	dst = strconv.AppendInt(dst, int64(g.status(severity)), 10)
	dst = append(dst, `,"bytes":`...)
	dst = strconv.AppendInt(dst, int64(g.latency()*211), 10)
	dst = append(dst, `},"latency_ms":`...)
	dst = strconv.AppendFloat(dst, g.latency(), 'f', 3, 64)
	if severity == "error" {
		dst = append(dst, `,"error":{"kind":"UpstreamError","retryable":true,"attempt":`...)
		dst = strconv.AppendInt(dst, int64(1+g.rng.IntN(4)), 10)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}
