package server_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Results of queries, saved queries and lists are there after a restart.
func TestQueriesSurviveARestart(t *testing.T) {
	cfg := testConfig(t)
	s := start(t, cfg)
	call(t, s.URL(), "CreateLogGroup", `{"logGroupName":"g"}`)
	call(t, s.URL(), "CreateLogStream", `{"logGroupName":"g","logStreamName":"s"}`)
	now := time.Now().UnixMilli()
	call(t, s.URL(), "PutLogEvents", fmt.Sprintf(`{"logGroupName":"g","logStreamName":"s","logEvents":[{"timestamp":%d,"message":"{\"n\":1}"},{"timestamp":%d,"message":"{\"n\":2}"}]}`, now, now))
	saved := call(t, s.URL(), "PutQueryDefinition", `{"name":"big","queryString":"filter n > 1 | fields n"}`)
	var started struct{ QueryID string }
	answer := call(t, s.URL(), "StartQuery", fmt.Sprintf(`{"logGroupName":"g","startTime":%d,"endTime":%d,"queryString":"$big"}`, now/1000-60, now/1000+60))
	if err := json.Unmarshal([]byte(answer), &started); err != nil || started.QueryID == "" {
		t.Fatalf("%s: %v", answer, err)
	}
	results := func(url string) string {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; {
			got := call(t, url, "GetQueryResults", fmt.Sprintf(`{"queryId":%q}`, started.QueryID))
			if strings.Contains(got, `"status":"Complete"`) {
				return got
			}
			if time.Now().After(deadline) {
				t.Fatal(got)
			}
		}
	}
	before := results(s.URL())
	if !strings.Contains(before, `{"field":"n","value":"2"}`) || strings.Contains(before, `"value":"1"`) {
		t.Errorf("the answer is %s", before)
	}
	if _, body := get(t, s.URL()+"/_/metrics"); !strings.Contains(body, `cumulog_queries_ended_total{status="Complete"} 1`+"\n") {
		t.Errorf("metrics lack the query:\n%s", body)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(cfg.Data, "queries", "*", started.QueryID+".rows"))
	if err != nil || len(files) != 1 {
		t.Errorf("result files: %v, %v", files, err)
	}

	s = start(t, cfg)
	if after := results(s.URL()); after != before {
		t.Errorf("after the restart: %s\nbefore: %s", after, before)
	}
	for operation, part := range map[string]string{"DescribeQueries": started.QueryID, "DescribeQueryDefinitions": strings.Trim(saved, "{}")} {
		if got := call(t, s.URL(), operation, `{}`); !strings.Contains(got, part) {
			t.Errorf("%s lacks %s: %s", operation, part, got)
		}
	}
}
