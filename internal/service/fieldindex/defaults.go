package fieldindex

import "slices"

// everyEvent are default indexes on fields that every event has.
var everyEvent = []string{"@aws.account", "@aws.region", "@data_format", "@data_source_name", "@data_source_type", "@logStream", "@source.log"}

// byDefault are the default indexes of every group of class STANDARD.
var byDefault = append([]string{"attributes.session.id", "severityText", "traceId"}, everyEvent...)

// bySource are further ones of groups of a data source.
var bySource = map[string][]string{
	"amazon_vpc.flow":               {"action", "flowDirection", "logStatus", "region", "type"},
	"amazon_route53.resolver_query": {"query_type", "rcode", "transport"},
	"aws_waf.access":                {"action", "httpRequest.country"},
	"aws_cloudtrail.data":           cloudTrail,
	"aws_cloudtrail.management":     cloudTrail,
}

var cloudTrail = []string{"awsRegion", "errorCode", "eventCategory", "eventName", "eventSource", "eventType", "managementEvent", "readOnly", "requestId", "userAgent"}

// The tags by which a group belongs to a data source.
const (
	tagSourceName = "cw:datasource:name"
	tagSourceType = "cw:datasource:type"
)

// defaults are the default indexes of a group with these tags.
func defaults(tags map[string]string) []string {
	return slices.Concat(byDefault, bySource[tags[tagSourceName]+"."+tags[tagSourceType]])
}
