package events_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cumulog/cumulog/internal/service/events"
)

func TestDiscover(t *testing.T) {
	check := func(message string, want map[string]string) {
		t.Helper()
		if d := cmp.Diff(want, events.Discover([]byte(message))); d != "" {
			t.Errorf("%s (-want +got)\n%s", message, d)
		}
	}
	check(`{"a":{"b":1.50},"list":["x",{"k":true}],"null":null,"empty":{},"@own":"o"}`,
		map[string]string{"a.b": "1.50", "list.0": "x", "list.1.k": "true", "@@own": "o"})
	check(`  [{"a":1e3},"\u00fc\n",[false]]`+"\n", map[string]string{"0.a": "1e3", "1": "ü\n", "2.0": "false"})
	check(`{"a\"b":{"":"x"},"a.b":1,"a":{"b":2}}`, map[string]string{`a"b.`: "x", "a.b": "2"})
	check("plain text", map[string]string{})
	check(`"text"`, map[string]string{})
	check(`{"a":1} {"b":2}`, map[string]string{})
	check("", map[string]string{})
	check(`{"broken":`, map[string]string{})
	check("REPORT RequestId: 8f507cfc-xmpl-4697-b07a-ac58fc914c95\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t", map[string]string{
		"@type": "REPORT", "@requestId": "8f507cfc-xmpl-4697-b07a-ac58fc914c95", "@duration": "12.34", "@billedDuration": "13",
		"@memorySize": "128000000", "@maxMemoryUsed": "64000000",
	})
	check("2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK", map[string]string{
		"version": "2", "accountId": "123456789010", "interfaceId": "eni-1235b8ca123456789", "srcAddr": "172.31.16.139", "dstAddr": "172.31.16.21",
		"srcPort": "20641", "dstPort": "22", "protocol": "6", "packets": "20", "bytes": "4249", "startTime": "1418530010", "endTime": "1418530070",
		"action": "ACCEPT", "logStatus": "OK",
	})
}
