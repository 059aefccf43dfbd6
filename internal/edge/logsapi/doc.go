// Package logsapi is the CloudWatch Logs API: one handler for each operation,
// which reads the decoded request, calls one method of a service and shapes the
// answer. It holds no rule of the product; shapes and constraints are generated
// (logswire), transport is awshttp's.
//
// operations.go holds the one table of operations, errors.go the one function
// that gives errors of the services their code, text and status.
package logsapi
