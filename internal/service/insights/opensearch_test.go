package insights_test

import (
	"testing"

	"github.com/cumulog/cumulog/internal/service/insights"
)

// in makes a request in a language.
func in(language, query string, names ...string) insights.StartRequest {
	r := hour(query, names...)
	r.Language = language
	return r
}

func TestOpenSearchLanguages(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "s", map[int64]string{
		-3: `{"level":"INFO","user":{"id":"u1"},"@own":true}`,
		-2: `{"level":"WARN","user":{"id":"u2"}}`,
		-1: `plain`,
	})
	w.put("/b", "s", map[int64]string{-2: `{"user":{"id":"u1"},"city":"Graz"}`})

	w.answers(in(insights.PPL, "stats count() as n by level", "/a"), "n=1\nn=1 level=INFO\nn=1 level=WARN\n")
	w.answers(in(insights.PPL, "source = [lg:`/b`] | fields city"), "city=Graz\n")
	w.answers(in(insights.PPL, "where level = 'INFO'", "/a"),
		"@timestamp=2026-09-21 14:13:19.997 @message={\"level\":\"INFO\",\"user\":{\"id\":\"u1\"},\"@own\":true} @logStream=s @log=123456789012:/a @@own=true level=INFO user.id=u1\n")
	w.answers(in(insights.PPL, "fields - `@message`, `user.id` | where level = 'WARN' | head 1", "/a"),
		"@timestamp=2026-09-21 14:13:19.998 @logStream=s @log=123456789012:/a level=WARN\n")
	w.answers(in(insights.PPL, "join left=l, right=r on l.user.id = r.user.id `/b` | fields level, r.city", "/a"), "level=INFO r.city=Graz\n")
	w.answers(in(insights.PPL, "where user.id in [ source=`/b` | fields user.id ] | fields level", "/a"), "level=INFO\n")

	w.answers(in(insights.SQL, "SELECT a.level, city FROM `/a` a LEFT JOIN `/b` b ON a.user.id = b.user.id ORDER BY level"),
		"\nlevel=INFO city=Graz\nlevel=WARN\n")
	w.answers(in(insights.SQL, "SELECT level FROM `/a` WHERE user.id IN (SELECT user.id FROM `/b`)"), "level=INFO\n")
	w.answers(in(insights.SQL, "SELECT * FROM `logGroups(logGroupIdentifier: ['/b'])`"),
		"@timestamp=2026-09-21 14:13:19.998 @message={\"user\":{\"id\":\"u1\"},\"city\":\"Graz\"} @logStream=s @log=123456789012:/b city=Graz user.id=u1\n")
	w.answers(in(insights.SQL, "SELECT level AS x FROM `/a` WHERE level IS NOT NULL UNION ALL SELECT city FROM `/b` ORDER BY x"), "x=Graz\nx=INFO\nx=WARN\n")
	w.refuses(in(insights.SQL, "SELECT 1"), "a query without FROM is not supported at line 1 and position 0 [0,8)")
	w.refuses(in(insights.SQL, "SELECT level FROM `/a` WHERE"), "unexpected symbol found <EOF> at line 1 and position 28 [28,28)")
}
