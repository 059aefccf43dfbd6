package logswire_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/edge/logsapi/logswire"
)

// constraint checks that a body gives exactly one sentence; "" means that the
// body is fine.
func constraint(t *testing.T, operation, body, want string) {
	t.Helper()
	_, err := read(t, operation, body)
	if want == "" {
		if err != nil {
			t.Errorf("%s %.200s: %v", operation, body, err)
		}
		return
	}
	var e *awsproto.Error
	if !errors.As(err, &e) {
		t.Errorf("%s %.200s: got %v, want %s", operation, body, err, want)
		return
	}
	code := "InvalidParameterException"
	if c, rest, ok := strings.Cut(want, ": "); ok && strings.HasSuffix(c, "Exception") {
		code, want = c, rest
	}
	if e.Code != code || e.HTTPStatus() != 400 || e.Message != want {
		t.Errorf("%s %.200s:\n got %s (%d)\nwant %s: %s", operation, body, e.Error(), e.HTTPStatus(), code, want)
	}
}

const failed = "' failed to satisfy constraint: "

func one(value, member, constraint string) string {
	return "1 validation error detected: Value " + value + " at '" + member + failed + constraint
}

func TestConstraints(t *testing.T) {
	check := func(operation, body, want string) { t.Helper(); constraint(t, operation, body, want) }

	const namePattern = `Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`
	check("CreateLogGroup", `{}`, one("null", "logGroupName", "Member must not be null"))
	check("CreateLogGroup", `{"logGroupName":null}`, one("null", "logGroupName", "Member must not be null"))
	check("CreateLogGroup", `{"logGroupName":"a b"}`, one("'a b'", "logGroupName", namePattern))
	check("CreateLogGroup", `{"logGroupName":"é"}`, one("'é'", "logGroupName", namePattern))
	check("CreateLogGroup", `{"logGroupName":""}`,
		"2 validation errors detected: Value '' at 'logGroupName"+failed+"Member must have length greater than or equal to 1; Value '' at 'logGroupName"+failed+namePattern)
	long := strings.Repeat("a", 513)
	check("CreateLogGroup", `{"logGroupName":"`+long[1:]+`"}`, "")
	check("CreateLogGroup", `{"logGroupName":"`+long+`"}`, one("'"+long+"'", "logGroupName", "Member must have length less than or equal to 512"))
	check("CreateLogGroup", `{"logGroupName":"._-/#aZ09"}`, "")
	check("CreateLogGroup", `{"logGroupName":"g","logGroupClass":"CHEAP"}`,
		one("'CHEAP'", "logGroupClass", "Member must satisfy enum value set: [STANDARD, INFREQUENT_ACCESS, DELIVERY]"))
	check("DeleteLogStream", `{}`,
		"2 validation errors detected: Value null at 'logGroupName"+failed+"Member must not be null; Value null at 'logStreamName"+failed+"Member must not be null")

	// Characters are code points: 512 of four bytes are fine.
	check("CreateLogStream", `{"logGroupName":"g","logStreamName":"`+strings.Repeat("😀", 512)+`"}`, "")
	check("CreateLogStream", `{"logGroupName":"g","logStreamName":"`+strings.Repeat("😀", 513)+`"}`,
		one("'"+strings.Repeat("😀", 513)+"'", "logStreamName", "Member must have length less than or equal to 512"))
	check("CreateLogStream", `{"logGroupName":"g","logStreamName":"a:b"}`,
		one("'a:b'", "logStreamName", "Member must satisfy regular expression pattern: [^:*]*"))
	check("CreateLogStream", `{"logGroupName":"g","logStreamName":"a\nb\u0000 é"}`, "")

	check("DescribeLogGroups", `{"limit":0}`, one("'0'", "limit", "Member must have value greater than or equal to 1"))
	check("DescribeLogGroups", `{"limit":1}`, "")
	check("DescribeLogGroups", `{"limit":50}`, "")
	check("DescribeLogGroups", `{"limit":51}`, one("'51'", "limit", "Member must have value less than or equal to 50"))
	check("GetLogEvents", `{"logStreamName":"s","startTime":-1}`, one("'-1'", "startTime", "Member must have value greater than or equal to 0"))
	check("DescribeDestinations", `{"DestinationNamePrefix":"a:"}`,
		one("'a:'", "destinationNamePrefix", "Member must satisfy regular expression pattern: [^:*]*"))

	// Lists: size, then elements in one sentence; paths of nested members.
	check("PutLogEvents", `{"logGroupName":"g","logStreamName":"s","logEvents":[]}`,
		one("'[]'", "logEvents", "Member must have length greater than or equal to 1"))
	check("PutLogEvents", `{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":1,"message":"m"},{"message":""},{"timestamp":-1,"message":"m"}]}`,
		"3 validation errors detected: Value null at 'logEvents.2.member.timestamp"+failed+"Member must not be null; "+
			"Value '' at 'logEvents.2.member.message"+failed+"Member must have length greater than or equal to 1; "+
			"Value '-1' at 'logEvents.3.member.timestamp"+failed+"Member must have value greater than or equal to 0")
	event := `{"timestamp":1,"message":"m"},`
	check("PutLogEvents", `{"logGroupName":"g","logStreamName":"s","logEvents":[`+strings.Repeat(event, 9999)+event[:len(event)-1]+`]}`, "")
	check("PutLogEvents", `{"logGroupName":"g","logStreamName":"s","logEvents":[`+strings.Repeat(event, 10000)+event[:len(event)-1]+`]}`,
		one("'[10001 elements]'", "logEvents", "Member must have length less than or equal to 10000"))
	check("FilterLogEvents", `{"logGroupName":"g","logStreamNames":["ok","a:b","c*"]}`,
		one("'[ok, a:b, c*]'", "logStreamNames",
			"Member must satisfy constraint: [Member must have length less than or equal to 512, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [^:*]*]"))
	check("FilterLogEvents", `{"logGroupName":"g","logStreamNames":[]}`,
		one("'[]'", "logStreamNames", "Member must have length greater than or equal to 1"))

	// Maps.
	check("CreateLogGroup", `{"logGroupName":"g","tags":{}}`, one("'{}'", "tags", "Member must have length greater than or equal to 1"))
	const keyRule = `[Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$]`
	const valueRule = `[Member must have length less than or equal to 256, Member must satisfy regular expression pattern: ^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$]`
	check("CreateLogGroup", `{"logGroupName":"g","tags":{"b":"2","a!":"1"}}`, one("'{a!=1, b=2}'", "tags", "Map keys must satisfy constraint: "+keyRule))
	check("CreateLogGroup", `{"logGroupName":"g","tags":{"a":"!"}}`, one("'{a=!}'", "tags", "Map value must satisfy constraint: "+valueRule))
	check("CreateLogGroup", `{"logGroupName":"g","tags":{"Käse @:/=+-_.１":"日本 語"}}`, "")
	check("CreateLogGroup", `{"logGroupName":"g","tags":{"`+strings.Repeat("k", 128)+`":"`+strings.Repeat("v", 256)+`"}}`, "")
	check("CreateLogGroup", `{"logGroupName":"g","tags":{"`+strings.Repeat("k", 129)+`":""}}`,
		one("'{"+strings.Repeat("k", 129)+"=}'", "tags", "Map keys must satisfy constraint: "+keyRule))
	tags := make([]string, 51)
	for i := range tags {
		tags[i] = fmt.Sprintf(`"k%02d":""`, i)
	}
	check("TagResource", `{"resourceArn":"a","tags":{`+strings.Join(tags[1:], ",")+`}}`, "")
	if _, err := read(t, "TagResource", `{"resourceArn":"a","tags":{`+strings.Join(tags, ",")+`}}`); err == nil ||
		!strings.HasSuffix(err.Error(), "=}' at 'tags"+failed+"Member must have length less than or equal to 50") {
		t.Errorf("51 tags: got %v", err)
	}

	// Nested structures, newer families.
	check("CreateDelivery", `{"deliverySourceName":"a b"}`,
		"ValidationException: 2 validation errors detected: Value 'a b' at 'deliverySourceName"+failed+`Member must satisfy regular expression pattern: [\w-]*; `+
			"Value null at 'deliveryDestinationArn"+failed+"Member must not be null")
	check("CreateScheduledQuery", `{"name":"n","queryLanguage":"CWLI","queryString":"q","scheduleExpression":"cron","executionRoleArn":"arn","destinationConfiguration":{"s3Configuration":{"destinationIdentifier":"s3://x","roleArn":"r"}}}`,
		"ValidationException: "+one("'s3://x'", "destinationConfiguration.s3Configuration.destinationIdentifier",
			`Member must satisfy regular expression pattern: s3://[a-z0-9][\.\-a-z0-9]{1,61}[a-z0-9](/.*)?`))
	check("GetScheduledQuery", `{}`, "ValidationException: "+one("null", "identifier", "Member must not be null"))
	check("ListTagsLogGroup", `{}`, one("null", "logGroupName", "Member must not be null"))
}

// A request full of violations gives the exact count and a bounded message.
func TestConstraintMessageIsBounded(t *testing.T) {
	events := strings.Repeat(`{},`, 9999) + `{}`
	_, err := read(t, "PutLogEvents", `{"logGroupName":"g","logStreamName":"s","logEvents":[`+events+`]}`)
	if err == nil || !strings.Contains(err.Error(), "20000 validation errors detected") || len(err.Error()) > 4096 {
		t.Errorf("got %.300v", err)
	}
	_, err = read(t, "CreateLogGroup", `{"logGroupName":"`+strings.Repeat("a", 1<<20)+`"}`)
	if err == nil || len(err.Error()) > 3*4096 {
		t.Errorf("got an error of %d bytes", len(err.Error()))
	}
}

// Patterns as the model means them: Java, the whole string.
func TestPatterns(t *testing.T) {
	check := func(operation, member, value, pattern string) {
		t.Helper()
		_, err := read(t, operation, `{`+strconv.Quote(member)+`:`+string(awsproto.AppendString(nil, value))+`}`)
		bad := err != nil && strings.Contains(err.Error(), "at '"+member+failed+"Member must satisfy regular expression pattern: ")
		switch {
		case pattern == "" && bad:
			t.Errorf("%s.%s = %q: %v", operation, member, value, err)
		case pattern != "" && (!bad || !strings.Contains(err.Error(), "pattern: "+pattern)):
			t.Errorf("%s.%s = %q: got %v, want pattern %s", operation, member, value, err, pattern)
		}
	}
	const clientToken = `\S{36,128}`
	check("PutQueryDefinition", "clientToken", strings.Repeat("x", 36), "")
	check("PutQueryDefinition", "clientToken", strings.Repeat("é", 128), "")
	check("PutQueryDefinition", "clientToken", strings.Repeat("x", 36)+" ", clientToken)
	check("PutQueryDefinition", "clientToken", strings.Repeat("x", 36)+"\v", clientToken)
	check("ListLogGroups", "logGroupNamePattern", "^abc|^/x.y-_#9", "")
	check("ListLogGroups", "logGroupNamePattern", "ab", `(\^?[\.\-_\/#A-Za-z0-9]{3,24})(\|\^?[\.\-_\/#A-Za-z0-9]{3,24}){0,4}`)
	check("ListLogGroups", "logGroupNamePattern", "abc|", `(\^?`)
	check("CreateScheduledQuery", "name", "a-b_/.#9", "")
	check("CreateScheduledQuery", "name", "a\n", `^[a-zA-Z0-9_\-/.#]+$`)
	check("DescribeImportTasks", "importId", "a-9", "")
	check("DescribeImportTasks", "importId", "a_9", `[\-a-zA-Z0-9]+`)
	check("CreateDelivery", "deliverySourceName", "a-_9", "")
	check("CreateDelivery", "deliverySourceName", "a é", `[\w-]*`)
	check("CreateLookupTable", "lookupTableName", "a_9", "")
	check("CreateLookupTable", "lookupTableName", "a-9", `^[a-zA-Z0-9_]+$`)
	check("TagResource", "resourceArn", "arn:aws:logs:r:1:log-group:/a/b-c_d", "")
	check("TagResource", "resourceArn", "arn:*", `[\w+=/:,.@-]*`)
}

func TestOperationTable(t *testing.T) {
	names := logswire.Operations()
	if len(names) != 113 {
		t.Errorf("got %d operations, want 113", len(names))
	}
	for _, name := range names {
		info, ok := logswire.Lookup(name)
		if !ok || info.Name != name || info.BodyLimit < 1<<20 {
			t.Fatalf("Lookup(%s) = %+v, %v", name, info, ok)
		}
		info.NewInput().Validate(new(awsproto.Violations)) // nothing is dereferenced unchecked
	}
	for _, name := range []string{"", "A", "Zzz", "PutLogEvent", "putlogevents"} {
		if _, ok := logswire.Lookup(name); ok {
			t.Errorf("Lookup(%q) found something", name)
		}
	}
	check := func(name, code string, stream bool, prefix string) {
		t.Helper()
		info, _ := logswire.Lookup(name)
		if info.ConstraintCode != code || info.EventStream != stream || info.HostPrefix != prefix {
			t.Errorf("Lookup(%s) = %+v", name, info)
		}
	}
	check("PutLogEvents", "InvalidParameterException", false, "")
	check("UntagLogGroup", "InvalidParameterException", false, "")
	check("CreateLookupTable", "InvalidParameterException", false, "")
	check("PutDeliverySource", "ValidationException", false, "")
	check("AssociateSourceToS3TableIntegration", "ValidationException", false, "")
	check("StartLiveTail", "InvalidParameterException", true, "stream-")
	if logswire.Status("ServiceUnavailableException") != 500 || logswire.Status("ResourceNotFoundException") != 400 {
		t.Error("Status is wrong")
	}
}
