package logsapi

import "github.com/cumulog/cumulog/internal/edge/awshttp"

// operations is the table of the operations that are built.
func (a *API) operations() map[string]awshttp.Operation {
	return map[string]awshttp.Operation{
		"CancelExportTask":              awshttp.JSON(a.cancelExportTask),
		"CreateExportTask":              awshttp.JSON(a.createExportTask),
		"CreateLogGroup":                awshttp.JSON(a.createLogGroup),
		"CreateLookupTable":             awshttp.JSON(a.createLookupTable),
		"CreateLogStream":               awshttp.JSON(a.createLogStream),
		"DeleteLogGroup":                awshttp.JSON(a.deleteLogGroup),
		"DeleteLogStream":               awshttp.JSON(a.deleteLogStream),
		"DeleteLookupTable":             awshttp.JSON(a.deleteLookupTable),
		"DeleteRetentionPolicy":         awshttp.JSON(a.deleteRetentionPolicy),
		"DescribeExportTasks":           awshttp.JSON(a.describeExportTasks),
		"DescribeLogGroups":             awshttp.JSON(a.describeLogGroups),
		"DescribeLookupTables":          awshttp.JSON(a.describeLookupTables),
		"DescribeLogStreams":            awshttp.JSON(a.describeLogStreams),
		"FilterLogEvents":               awshttp.JSON(a.filterLogEvents),
		"GetLogEvents":                  awshttp.JSON(a.getLogEvents),
		"GetLogFields":                  awshttp.JSON(a.getLogFields),
		"GetLogGroupFields":             awshttp.JSON(a.getLogGroupFields),
		"GetLookupTable":                awshttp.JSON(a.getLookupTable),
		"GetQueryResults":               awshttp.JSON(a.getQueryResults),
		"GetLogRecord":                  awshttp.JSON(a.getLogRecord),
		"ListLogGroups":                 awshttp.JSON(a.listLogGroups),
		"ListTagsForResource":           awshttp.JSON(a.listTagsForResource),
		"ListTagsLogGroup":              awshttp.JSON(a.listTagsLogGroup),
		"PutLogEvents":                  awshttp.Raw(a.putLogEvents),
		"PutLogGroupDeletionProtection": awshttp.JSON(a.putLogGroupDeletionProtection),
		"PutRetentionPolicy":            awshttp.JSON(a.putRetentionPolicy),
		"StartQuery":                    awshttp.JSON(a.startQuery),
		"StopQuery":                     awshttp.JSON(a.stopQuery),
		"TagLogGroup":                   awshttp.JSON(a.tagLogGroup),
		"TagResource":                   awshttp.JSON(a.tagResource),
		"TestMetricFilter":              awshttp.JSON(a.testMetricFilter),
		"UntagLogGroup":                 awshttp.JSON(a.untagLogGroup),
		"UntagResource":                 awshttp.JSON(a.untagResource),
		"UpdateLookupTable":             awshttp.JSON(a.updateLookupTable),
	}
}
