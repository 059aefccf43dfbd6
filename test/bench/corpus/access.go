package corpus

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

const (
	products    = 4000
	visitors    = 96        // that are on the site at a time
	siteSeed    = 0x51_7e51 // the site is the same for every seed
	site        = "https://shop.example.com"
	perSession  = 9  // pages of a visit, on average
	shareBots   = 18 // of 100 requests
	shareProbes = 2  // of 100 requests: health checks
	shareScans  = 1  // of 100 requests: somebody tries the doors
)

// web is a shop behind nginx: what it serves, who visits it. Pages bring the requests for their assets and images with them,
// referrers are the pages that led there, files have the size they have, and browsers that were there before get 304 for them.
type web struct {
	pages     []page
	shared    []asset // files that every page uses
	products  zipf
	agents    []string
	agentRank zipf
	bots      []bot
	botRank   zipf
	visitors  []visitor
	current   int // the visitor whose burst is going on
}

type page struct {
	path   string
	bytes  int
	images []asset
}

type asset struct {
	path  string
	bytes int
}

type bot struct {
	agent string
	ips   []string
}

type visitor struct {
	ip, agent string
	protocol  string
	cached    bool // was here before: has the shared files
	left      int  // pages that are still to come
	at, from  []byte
	todo      []asset
	first     bool
}

func newWeb() *web {
	rng := rand.New(rand.NewPCG(siteSeed, 1))
	hexes := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "0123456789abcdef"[rng.IntN(16)]
		}
		return string(b)
	}
	w := &web{products: newZipf(products, 0.95)}
	for _, f := range files {
		path := fmt.Sprintf(f.format, hexes(8))
		w.shared = append(w.shared, asset{path, f.bytes + rng.IntN(f.bytes)})
	}
	for i := range products {
		a, n := adjectives[rng.IntN(len(adjectives))], nouns[rng.IntN(len(nouns))]
		id := 10_000 + i*37
		p := page{path: fmt.Sprintf("/products/%s-%s-%d", a, n, id), bytes: 9_000 + rng.IntN(14_000)}
		for k := range 1 + rng.IntN(4) {
			p.images = append(p.images, asset{fmt.Sprintf("/media/products/%d/%d_%d.webp", id, k+1, 320<<rng.IntN(2)), 4_000 + rng.IntN(90_000)})
		}
		w.pages = append(w.pages, p)
	}
	w.agents = userAgents(rng)
	w.agentRank = newZipf(len(w.agents), 0.9)
	for _, b := range robots {
		r := bot{agent: b.agent}
		for range b.hosts {
			r.ips = append(r.ips, fmt.Sprintf("%s.%d", b.network, 1+rng.IntN(254)))
		}
		w.bots = append(w.bots, r)
	}
	w.botRank = newZipf(len(w.bots), 0.8)
	w.visitors = make([]visitor, visitors)
	return w
}

// userAgents makes the strings of browsers: a system, a browser and its version; new versions are more common, so that the list is
// in the order of how common they are, roughly.
func userAgents(rng *rand.Rand) []string {
	var list []string
	for v := range 14 {
		for _, os := range desktops {
			list = append(list, fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", os, 131-v))
			if v < 8 {
				list = append(list, fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36 Edg/%d.0.0.0", os, 131-v, 131-v))
			}
			list = append(list, fmt.Sprintf("Mozilla/5.0 (%s; rv:%d.0) Gecko/20100101 Firefox/%d.0", os, 132-v, 132-v))
		}
		ios := fmt.Sprintf("%d_%d", 18-v/5, 5-v%5)
		list = append(list,
			fmt.Sprintf("Mozilla/5.0 (iPhone; CPU iPhone OS %s like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%d.%d Mobile/15E148 Safari/604.1", ios, 18-v/5, 5-v%5),
			fmt.Sprintf("Mozilla/5.0 (iPhone; CPU iPhone OS %s like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/%d.0.6778.%d Mobile/15E148 Safari/604.1", ios, 131-v, 73+v*7),
			fmt.Sprintf("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Mobile Safari/537.36", 131-v),
			fmt.Sprintf("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/%d.0 Chrome/%d.0.0.0 Mobile Safari/537.36", 27-v/2, 125-v))
		for _, model := range phones {
			list = append(list, fmt.Sprintf("Mozilla/5.0 (Linux; Android %d; %s; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/%d.0.%d.%d Mobile Safari/537.36 Instagram %d.0.0.%d.%d Android",
				14-v/4, model, 131-v, 6778-v*60, 39+rng.IntN(200), 359-v*2, 20+rng.IntN(60), 60+rng.IntN(40)))
		}
	}
	// Within a version, which system comes first is chance.
	for i := 0; i < len(list); i += 16 {
		part := list[i:min(i+16, len(list))]
		rng.Shuffle(len(part), func(a, b int) { part[a], part[b] = part[b], part[a] })
	}
	return list
}

// request is a line of the log.
type request struct {
	ip, method, path string
	protocol         string
	status, bytes    int
	referrer, agent  string
}

func (g *Generator) access(dst []byte, ms int64) []byte {
	x := g.rng.IntN(100)
	switch {
	case x < shareProbes:
		return request{
			ip: g.hosts[0][3:], method: "GET", path: "/healthz", protocol: "1.1", status: 200, bytes: 2, referrer: "-", agent: "kube-probe/1.31",
		}.dotted().append(dst, ms)
	case x < shareProbes+shareScans:
		return request{
			ip: g.ips[len(g.ips)-1-g.rng.IntN(300)], method: "GET", path: among(g, doors), protocol: "1.1", status: 404, bytes: 548, referrer: "-",
			agent: among(g, scanners),
		}.append(dst, ms)
	case x < shareProbes+shareScans+shareBots:
		return g.crawl(dst, ms)
	}
	return g.visit(dst, ms)
}

// crawl appends a request of a robot: any page, popular or not.
func (g *Generator) crawl(dst []byte, ms int64) []byte {
	w := g.web
	b := &w.bots[w.botRank.next(g.rng)]
	r := request{ip: among(g, b.ips), method: "GET", protocol: "1.1", status: 200, referrer: "-", agent: b.agent}
	switch y := g.rng.IntN(50); {
	case y == 0:
		r.path, r.bytes = "/robots.txt", 1387
	case y == 1:
		r.path, r.bytes = "/sitemap.xml", 48_211
	default:
		p := &w.pages[g.rng.IntN(products)]
		r.path, r.bytes = p.path, p.bytes+g.rng.IntN(300)
		switch {
		case y < 12:
			r.status, r.bytes = 304, 0
		case y == 12:
			r.status, r.bytes = 404, 3_214
		case y == 13:
			r.status, r.bytes = 301, 169
		}
	}
	return r.append(dst, ms)
}

// visit appends the next request of somebody on the site. Requests of one visitor come in bursts: a page and what belongs to it.
func (g *Generator) visit(dst []byte, ms int64) []byte {
	w := g.web
	v := &w.visitors[w.current]
	if len(v.todo) == 0 || g.rng.IntN(4) == 0 {
		w.current = g.rng.IntN(visitors)
		v = &w.visitors[w.current]
	}
	if len(v.todo) > 0 {
		a := v.todo[len(v.todo)-1]
		v.todo = v.todo[:len(v.todo)-1]
		return v.request(string(v.at), "GET", a.path, 200, a.bytes).append(dst, ms)
	}
	if v.left <= 0 {
		g.arrive(v)
	}
	v.left--
	return g.open(dst, ms, v)
}

// arrive makes v somebody else.
func (g *Generator) arrive(v *visitor) {
	w := g.web
	*v = visitor{at: v.at[:0], from: v.from[:0], todo: v.todo[:0]}
	v.ip, v.agent = g.ips[g.clients.next(g.rng)], pick(g, w.agents, w.agentRank)
	v.protocol = among(g, protocols)
	v.cached, v.first = g.rng.IntN(5) < 2, true
	v.left = 1 + int(g.rng.ExpFloat64()*perSession)
	v.at = append(v.at, among(g, entrances)...)
}

// open appends the request for the next page of v and notes what the page will ask for.
func (g *Generator) open(dst []byte, ms int64, v *visitor) []byte {
	w := g.web
	v.from = append(v.from[:0], v.at...)
	at := append(v.at[:0], site...)
	method, status, bytes := "GET", 200, 0
	switch y := g.rng.IntN(100); {
	case y < 42:
		p := &w.pages[w.products.next(g.rng)]
		at = append(at, p.path...)
		bytes = p.bytes + g.rng.IntN(300)
		v.todo = append(v.todo, p.images...)
	case y < 58:
		at = append(at, "/category/"...)
		at = append(at, among(g, nouns)...)
		if z := g.rng.IntN(6); z > 2 {
			at = append(at, "?sort="...)
			at = append(at, among(g, orders)...)
			at = append(at, "&page="...)
			at = strconv.AppendInt(at, int64(1+g.rng.IntN(12)), 10)
		}
		bytes = 22_000 + g.rng.IntN(6_000)
		for range 6 {
			v.todo = append(v.todo, w.pages[w.products.next(g.rng)].images[0])
		}
	case y < 70:
		at = append(at, "/search?q="...)
		at = append(at, among(g, adjectives)...)
		at = append(at, '+')
		at = append(at, among(g, nouns)...)
		bytes = 14_000 + g.rng.IntN(9_000)
	case y < 78:
		at = append(at, '/')
		bytes = 31_377 + g.rng.IntN(40)
	case y < 84:
		method = "POST"
		at = append(at, "/api/v2/cart/items"...)
		status, bytes = 201, 180+g.rng.IntN(60)
	case y < 90:
		at = append(at, "/cart"...)
		bytes = 7_200 + g.rng.IntN(1_500)
	case y < 94:
		at = append(at, "/account/orders/"...)
		at = strconv.AppendInt(at, 40_000_000+int64(g.n/50)+g.rng.Int64N(2_000), 10)
		bytes = 8_800 + g.rng.IntN(900)
	case y < 97:
		at = append(at, "/checkout"...)
		method, status, bytes = "POST", 302, 0
	default:
		at = append(at, "/help/"...)
		at = append(at, among(g, resources)...)
		bytes = 12_460
	}
	switch y := g.rng.IntN(250); {
	case y == 0:
		status, bytes = among(g, []int{500, 502, 503, 504}), 157
	case y < 4:
		status, bytes = 404, 3_214
	case y == 4:
		status, bytes = 499, 0
	}
	if v.first {
		v.first = false
		if !v.cached {
			v.todo = append(v.todo, w.shared...)
		} else {
			v.todo = append(v.todo, w.shared[:3]...)
			for i := len(v.todo) - 3; i < len(v.todo); i++ {
				v.todo[i].bytes = 0 // 304
			}
		}
		if g.rng.IntN(9) == 0 {
			at = append(at, "?utm_source=newsletter&utm_medium=email&utm_campaign="...)
			at = append(at, among(g, campaigns)...)
		} else if g.rng.IntN(12) == 0 {
			at = append(at, "?gclid=EAIaIQobChMI"...)
			at = g.hex(at, 32)
			at = append(at, "EAAYASAAEgL"...)
			at = g.hex(at, 12)
		}
	}
	v.at = at
	r := v.request(string(v.from), method, string(at[len(site):]), status, bytes)
	return r.append(dst, ms)
}

func (v *visitor) request(referrer, method, path string, status, bytes int) request {
	if status == 200 && bytes == 0 {
		status = 304
	}
	return request{
		ip: v.ip, method: method, path: path, protocol: v.protocol, status: status, bytes: bytes, referrer: referrer, agent: v.agent,
	}
}

// dotted turns the name of one of our hosts into its address.
func (r request) dotted() request {
	b := []byte(r.ip)
	for i := range b {
		if b[i] == '-' {
			b[i] = '.'
		}
	}
	r.ip = string(b)
	return r
}

func (r request) append(dst []byte, ms int64) []byte {
	dst = append(dst, r.ip...)
	dst = append(dst, " - - ["...)
	dst = time.UnixMilli(ms).UTC().AppendFormat(dst, "02/Jan/2006:15:04:05 -0700")
	dst = append(dst, `] "`...)
	dst = append(dst, r.method...)
	dst = append(dst, ' ')
	dst = append(dst, r.path...)
	dst = append(dst, " HTTP/"...)
	dst = append(dst, r.protocol...)
	dst = append(dst, `" `...)
	dst = strconv.AppendInt(dst, int64(r.status), 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(r.bytes), 10)
	dst = append(dst, ` "`...)
	dst = append(dst, r.referrer...)
	dst = append(dst, `" "`...)
	dst = append(dst, r.agent...)
	return append(dst, '"')
}
