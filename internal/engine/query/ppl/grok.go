package ppl

import (
	"fmt"
	"strconv"
	"strings"
)

// grokPatterns are the patterns that grok knows by name, without look-around, which
// the regular expressions here do not have.
var grokPatterns = map[string]string{
	"USERNAME":          `[a-zA-Z0-9._-]+`,
	"USER":              `%{USERNAME}`,
	"EMAILLOCALPART":    `[a-zA-Z][a-zA-Z0-9_.+=:-]*`,
	"EMAILADDRESS":      `%{EMAILLOCALPART}@%{HOSTNAME}`,
	"HTTPDUSER":         `(?:%{EMAILADDRESS}|%{USER})`,
	"INT":               `[+-]?[0-9]+`,
	"BASE10NUM":         `[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)`,
	"NUMBER":            `%{BASE10NUM}`,
	"BASE16NUM":         `[+-]?(?:0x)?[0-9A-Fa-f]+`,
	"BASE16FLOAT":       `\b[+-]?(?:0x)?(?:[0-9A-Fa-f]+(?:\.[0-9A-Fa-f]*)?|\.[0-9A-Fa-f]+)\b`,
	"POSINT":            `\b[1-9][0-9]*\b`,
	"NONNEGINT":         `\b[0-9]+\b`,
	"WORD":              `\b\w+\b`,
	"NOTSPACE":          `\S+`,
	"SPACE":             `\s*`,
	"DATA":              `.*?`,
	"GREEDYDATA":        `.*`,
	"QUOTEDSTRING":      `(?:"(?:\\.|[^\\"])*"|'(?:\\.|[^\\'])*'|` + "`(?:\\\\.|[^\\\\`])*`" + `)`,
	"QS":                `%{QUOTEDSTRING}`,
	"UUID":              `[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}`,
	"MAC":               `(?:%{CISCOMAC}|%{WINDOWSMAC}|%{COMMONMAC})`,
	"CISCOMAC":          `(?:[A-Fa-f0-9]{4}\.){2}[A-Fa-f0-9]{4}`,
	"WINDOWSMAC":        `(?:[A-Fa-f0-9]{2}-){5}[A-Fa-f0-9]{2}`,
	"COMMONMAC":         `(?:[A-Fa-f0-9]{2}:){5}[A-Fa-f0-9]{2}`,
	"IPV6":              `(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|%{IPV4}|)(?:%.+)?`,
	"IPV4":              `(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\.){3}(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])`,
	"IP":                `(?:%{IPV6}|%{IPV4})`,
	"HOSTNAME":          `\b[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\.?`,
	"HOST":              `%{HOSTNAME}`,
	"IPORHOST":          `(?:%{IP}|%{HOSTNAME})`,
	"HOSTPORT":          `%{IPORHOST}:%{POSINT}`,
	"PATH":              `(?:%{UNIXPATH}|%{WINPATH})`,
	"UNIXPATH":          `(?:/[\w_%!$@:.,~+-]*)+`,
	"TTY":               `/dev/(?:pts|tty[pq]?)(?:\w+)?/?(?:[0-9]+)`,
	"WINPATH":           `(?:[A-Za-z]+:|\\)(?:\\[^\\?*]*)+`,
	"URIPROTO":          `[A-Za-z]+(?:\+[A-Za-z+]+)?`,
	"URIHOST":           `%{IPORHOST}(?::%{POSINT})?`,
	"URIPATH":           `(?:/[A-Za-z0-9$.+!*'(){},~:;=@#%&_-]*)+`,
	"URIPARAM":          `\?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\[\]<>-]*`,
	"URIPATHPARAM":      `%{URIPATH}(?:%{URIPARAM})?`,
	"URI":               `%{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?`,
	"MONTH":             `\b(?:[Jj]an(?:uary)?|[Ff]eb(?:ruary)?|[Mm]ar(?:ch)?|[Aa]pr(?:il)?|[Mm]ay|[Jj]une?|[Jj]uly?|[Aa]ug(?:ust)?|[Ss]ep(?:tember)?|[Oo]ct(?:ober)?|[Nn]ov(?:ember)?|[Dd]ec(?:ember)?)\b`,
	"MONTHNUM":          `(?:0?[1-9]|1[0-2])`,
	"MONTHNUM2":         `(?:0[1-9]|1[0-2])`,
	"MONTHDAY":          `(?:0[1-9]|[12][0-9]|3[01]|[1-9])`,
	"DAY":               `(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)`,
	"YEAR":              `(?:\d\d){1,2}`,
	"HOUR":              `(?:2[0123]|[01]?[0-9])`,
	"MINUTE":            `(?:[0-5][0-9])`,
	"SECOND":            `(?:[0-5]?[0-9]|60)(?:[:.,][0-9]+)?`,
	"TIME":              `%{HOUR}:%{MINUTE}(?::%{SECOND})`,
	"DATE_US":           `%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}`,
	"DATE_EU":           `%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}`,
	"ISO8601_TIMEZONE":  `(?:Z|[+-]%{HOUR}(?::?%{MINUTE}))`,
	"ISO8601_SECOND":    `(?:%{SECOND}|60)`,
	"TIMESTAMP_ISO8601": `%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?`,
	"DATE":              `(?:%{DATE_US}|%{DATE_EU})`,
	"DATESTAMP":         `%{DATE}[- ]%{TIME}`,
	"TZ":                `(?:[APMCE][SD]T|UTC)`,
	"DATESTAMP_RFC822":  `%{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}`,
	"DATESTAMP_RFC2822": `%{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}`,
	"DATESTAMP_OTHER":   `%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}`,
	"SYSLOGTIMESTAMP":   `%{MONTH} +%{MONTHDAY} %{TIME}`,
	"PROG":              `[\x21-\x5a\x5c\x5e-\x7e]+`,
	"SYSLOGPROG":        `%{PROG}(?:\[%{POSINT}\])?`,
	"SYSLOGHOST":        `%{IPORHOST}`,
	"SYSLOGFACILITY":    `<%{NONNEGINT}\.%{NONNEGINT}>`,
	"HTTPDATE":          `%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}`,
	"LOGLEVEL":          `(?:[Aa]lert|ALERT|[Tt]race|TRACE|[Dd]ebug|DEBUG|[Nn]otice|NOTICE|[Ii]nfo|INFO|[Ww]arn(?:ing)?|WARN(?:ING)?|[Ee]rr(?:or)?|ERR(?:OR)?|[Cc]rit(?:ical)?|CRIT(?:ICAL)?|[Ff]atal|FATAL|[Ss]evere|SEVERE|EMERG(?:ENCY)?|[Ee]merg(?:ency)?)`,
	"COMMONAPACHELOG": `%{IPORHOST:clientip} %{HTTPDUSER:ident} %{HTTPDUSER:auth} \[%{HTTPDATE:timestamp}\] ` +
		`"(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|%{DATA:rawrequest})" %{NUMBER:response} (?:%{NUMBER:bytes}|-)`,
	"COMBINEDAPACHELOG": `%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent}`,
}

// maxGrok bounds the regular expression that a grok pattern becomes, in bytes, and
// the depth of patterns in patterns.
const (
	maxGrok      = 100_000
	maxGrokDepth = 16
)

// grokExpander turns a grok pattern into a regular expression.
type grokExpander struct {
	out   strings.Builder
	names map[string]string // the column of each group
}

// expandGrok returns the regular expression and the names of its groups.
func expandGrok(pattern string) (source string, names map[string]string, err error) {
	g := &grokExpander{names: map[string]string{}}
	if err := g.expand(pattern, 0); err != nil {
		return "", nil, err
	}
	return g.out.String(), g.names, nil
}

func (g *grokExpander) expand(pattern string, depth int) error {
	if depth > maxGrokDepth {
		return fmt.Errorf("the pattern is nested more than %d levels deep", maxGrokDepth)
	}
	for {
		at := strings.Index(pattern, "%{")
		if at < 0 {
			g.out.WriteString(pattern)
			break
		}
		g.out.WriteString(pattern[:at])
		end := strings.IndexByte(pattern[at:], '}')
		if end < 0 {
			return fmt.Errorf("the closing } is missing after %s", pattern[at:])
		}
		if err := g.reference(pattern[at+2:at+end], depth); err != nil {
			return err
		}
		pattern = pattern[at+end+1:]
		if g.out.Len() > maxGrok {
			break
		}
	}
	if g.out.Len() > maxGrok {
		return fmt.Errorf("the pattern is longer than %d bytes", maxGrok)
	}
	return nil
}

// reference expands what stands in %{…}: a name of a pattern, and the name of a
// column behind a colon. A type behind a second colon is accepted: values are texts
// that count as numbers where one is needed.
func (g *grokExpander) reference(ref string, depth int) error {
	parts := strings.Split(ref, ":")
	source, ok := grokPatterns[parts[0]]
	if !ok {
		return fmt.Errorf("there is no pattern %s", parts[0])
	}
	open := "(?:"
	if len(parts) > 1 {
		if parts[1] == "" || len(parts) > 3 {
			return fmt.Errorf("%%{%s} has no name", ref)
		}
		group := "g" + strconv.Itoa(len(g.names))
		g.names[group] = parts[1]
		open = "(?P<" + group + ">"
	}
	g.out.WriteString(open)
	if err := g.expand(source, depth+1); err != nil {
		return err
	}
	g.out.WriteByte(')')
	return nil
}
