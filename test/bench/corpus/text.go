package corpus

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	noIDs       = "                                                 "
	programSeed = 0xa_bc0de // the program that logs is the same for every seed
	errorEvents = 18        // of 1000
	warnEvents  = 45        // of 1000
	debugEvents = 120       // of 1000
)

// program is a group of services that write text: Spring services with the usual layout, and a Python worker. What it can say is
// a list of statements with places for values, and a few dozen stack traces, which are the same at each occurrence.
type program struct {
	info, warn, failures, debug []statement
	infoRank                    zipf
	traces, tracebacks          []string
	traceRank                   zipf
	requests                    [24]inFlight
	threads                     []string
}

// inFlight is a request that a service works on: its lines have the same thread and ids.
type inFlight struct {
	application, thread string
	ids                 [49]byte // trace-span
	left                int      // lines
}

// statement is a line of source that logs: literals and kinds of values between them.
type statement struct {
	logger string
	python bool
	pieces []string // literal, value, literal, value, …, literal
}

func newProgram() *program {
	rng := rand.New(rand.NewPCG(programSeed, 2))
	p := &program{}
	placeholders := regexp.MustCompile(`\{[a-z]+\}`)
	parse := func(list []string) (all []statement) {
		for _, line := range list {
			logger, text, _ := strings.Cut(line, "|")
			s := statement{logger: logger, python: !strings.Contains(logger, ".") || strings.HasPrefix(logger, "worker.")}
			s.pieces = placeholders.Split(text, -1)
			for i, value := range placeholders.FindAllString(text, -1) {
				s.pieces = slices.Insert(s.pieces, 2*i+1, value[1:len(value)-1])
			}
			if !s.python {
				s.logger = fmt.Sprintf("%-40.40s", abbreviate(s.logger))
			}
			all = append(all, s)
		}
		return all
	}
	p.info, p.warn, p.failures, p.debug = parse(infoStatements), parse(warnStatements), parse(errorStatements), parse(debugStatements)
	p.infoRank = newZipf(len(p.info), 0.8)
	for range 36 {
		p.traces = append(p.traces, makeTrace(rng))
	}
	for range 8 {
		p.tracebacks = append(p.tracebacks, makeTraceback(rng))
	}
	p.traceRank = newZipf(len(p.traces), 1)
	for i := range 48 {
		name := fmt.Sprintf("http-nio-8080-exec-%d", i+1)
		p.threads = append(p.threads, name[len(name)-15:])
	}
	for i := range 8 {
		p.threads = append(p.threads, fmt.Sprintf("   scheduling-%d", 1+i%4), fmt.Sprintf("ntainer#0-%d-C-1", i%3))
	}
	return p
}

// abbreviate shortens a class name as Logback does: the first letter of each package.
func abbreviate(class string) string {
	parts := strings.Split(class, ".")
	for i := range len(parts) - 1 {
		if len(class) <= 40 {
			break
		}
		class = strings.Replace(class, parts[i]+".", parts[i][:1]+".", 1)
	}
	return class
}

// makeTrace makes a Java stack trace: frames of the application, what it stands on, and what caused it.
func makeTrace(rng *rand.Rand) string {
	var b strings.Builder
	frame := func(f string) {
		method, file, _ := strings.Cut(f, "@")
		fmt.Fprintf(&b, "\n\tat %s(%s.java:%d)", method, file, 20+rng.IntN(900))
	}
	own := func(n int) {
		for range n {
			frame(ownFrames[rng.IntN(len(ownFrames))])
		}
	}
	e := exceptions[rng.IntN(len(exceptions))]
	b.WriteString("\n" + e)
	own(3 + rng.IntN(4))
	for range 1 + rng.IntN(2) {
		b.WriteString(proxyFrames)
		own(1 + rng.IntN(2))
	}
	b.WriteString(webFrames[rng.IntN(len(webFrames))])
	for range rng.IntN(3) {
		b.WriteString("\nCaused by: " + causes[rng.IntN(len(causes))])
		for range 3 + rng.IntN(7) {
			frame(driverFrames[rng.IntN(len(driverFrames))])
		}
		own(1)
		fmt.Fprintf(&b, "\n\t... %d common frames omitted", 20+rng.IntN(60))
	}
	return b.String()
}

// makeTraceback makes a Python one.
func makeTraceback(rng *rand.Rand) string {
	var b strings.Builder
	b.WriteString("\nTraceback (most recent call last):")
	for range 4 + rng.IntN(6) {
		f := pythonFrames[rng.IntN(len(pythonFrames))]
		file, rest, _ := strings.Cut(f, "|")
		function, code, _ := strings.Cut(rest, "|")
		fmt.Fprintf(&b, "\n  File \"%s\", line %d, in %s\n    %s", file, 15+rng.IntN(700), function, code)
	}
	b.WriteString("\n" + pythonErrors[rng.IntN(len(pythonErrors))])
	return b.String()
}

func (g *Generator) text(dst []byte, ms int64) []byte {
	p := g.program
	var s *statement
	level := "INFO"
	switch x := g.rng.IntN(1000); {
	case x < errorEvents:
		level, s = "ERROR", &p.failures[g.rng.IntN(len(p.failures))]
	case x < errorEvents+warnEvents:
		level, s = "WARN", &p.warn[g.rng.IntN(len(p.warn))]
	case x < errorEvents+warnEvents+debugEvents:
		level, s = "DEBUG", &p.debug[g.rng.IntN(len(p.debug))]
	default:
		s = &p.info[p.infoRank.next(g.rng)]
	}
	if s.python {
		dst = time.UnixMilli(ms).UTC().AppendFormat(dst, "2006-01-02 15:04:05,000")
		dst = append(dst, " ["...)
		dst = strconv.AppendInt(dst, int64(31+g.rng.IntN(8)), 10)
		dst = append(dst, "] "...)
		dst = append(dst, level...)
		dst = append(dst, ' ')
		dst = append(dst, s.logger...)
		dst = append(dst, ": "...)
		dst = g.fill(dst, s)
		if level == "ERROR" {
			dst = append(dst, among(g, p.tracebacks)...)
		}
		return dst
	}
	dst = time.UnixMilli(ms).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	dst = append(dst, "     "[:6-len(level)]...)
	dst = append(dst, level...)
	dst = append(dst, " 1 --- ["...)
	r := &p.requests[g.rng.IntN(len(p.requests))]
	if r.left == 0 {
		g.begin(r)
	}
	r.left--
	dst = append(dst, r.application...)
	dst = append(dst, "] ["...)
	dst = append(dst, r.thread...)
	dst = append(dst, "] ["...)
	dst = append(dst, r.ids[:]...)
	dst = append(dst, "] "...)
	dst = append(dst, s.logger...)
	dst = append(dst, " : "...)
	dst = g.fill(dst, s)
	if level == "ERROR" || level == "WARN" && g.rng.IntN(9) == 0 {
		dst = append(dst, pick(g, p.traces, p.traceRank)...)
	}
	return dst
}

// begin makes r another request, or a job: those have no ids.
func (g *Generator) begin(r *inFlight) {
	r.application, r.thread = among(g, applications), among(g, g.program.threads)
	r.left = 1 + int(g.rng.ExpFloat64()*6)
	if strings.HasPrefix(r.thread, " ") {
		copy(r.ids[:], noIDs)
		return
	}
	g.hex(r.ids[:0], 32)
	r.ids[32] = '-'
	g.hex(r.ids[33:33], 16)
}

// fill appends the text of a statement.
func (g *Generator) fill(dst []byte, s *statement) []byte {
	for i, piece := range s.pieces {
		if i%2 == 0 {
			dst = append(dst, piece...)
			continue
		}
		switch piece {
		case "order":
			dst = strconv.AppendInt(dst, 40_000_000+int64(g.n/50)+g.rng.Int64N(2_000), 10)
		case "user":
			dst = strconv.AppendInt(dst, int64(g.users.next(g.rng))*6271%1_000_000, 10)
		case "ms":
			dst = strconv.AppendInt(dst, 1+int64(g.latency()), 10)
		case "n":
			dst = strconv.AppendInt(dst, int64(g.rng.ExpFloat64()*40), 10)
		case "offset":
			dst = strconv.AppendInt(dst, 88_120_000+int64(g.n)+g.rng.Int64N(64), 10)
		case "small":
			dst = strconv.AppendInt(dst, int64(1+g.rng.IntN(8)), 10)
		case "status":
			dst = strconv.AppendInt(dst, int64(g.status(g.severity())), 10)
		case "amount":
			dst = strconv.AppendInt(dst, int64(g.latency()*3), 10)
			dst = append(dst, '.')
			dst = append(dst, byte('0'+g.rng.IntN(10)), "059"[g.rng.IntN(3)])
		case "uuid":
			dst = g.uuid(dst)
		case "hex":
			dst = g.hex(dst, 16)
		case "path":
			dst = g.path(dst)
		case "method":
			dst = append(dst, among(g, methods)...)
		case "ip":
			dst = append(dst, g.ips[g.clients.next(g.rng)]...)
		case "host":
			dst = append(dst, among(g, g.hosts)...)
		case "service":
			dst = append(dst, pick(g, services, g.services)...)
		case "sku":
			n := g.paths.next(g.rng)
			dst = append(dst, "SKU-"...)
			dst = strconv.AppendInt(dst, int64(100_000+n*37), 10)
			dst = append(dst, "-XLMSBRW"[1+n%7])
		case "key":
			dst = append(dst, among(g, resources)...)
			dst = append(dst, ':')
			dst = strconv.AppendInt(dst, int64(g.users.next(g.rng)), 10)
		default:
			panic("corpus: a statement asks for " + piece)
		}
	}
	return dst
}

// uuid appends a random UUID.
func (g *Generator) uuid(dst []byte) []byte {
	for i, n := range []int{8, 4, 4, 4, 12} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = g.hex(dst, n)
	}
	return dst
}
