package logs

import "testing"

func TestParseARNGroupName(t *testing.T) {
	ok := func(text, name string) {
		t.Helper()
		a, err := ParseARN(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if got, isGroup := a.GroupName(); !isGroup || got != name {
			t.Errorf("%s: got %q, %v; want %q", text, got, isGroup, name)
		}
	}
	ok("arn:aws:logs:us-east-1:000000000000:log-group:/a/b", "/a/b")
	ok("arn:aws:logs:us-east-1:000000000000:log-group:/a/b:*", "/a/b")
	ok(Scope{Account: "000000000000", Region: "cn-north-1"}.GroupARN("x"), "x")

	for _, text := range []string{"", "x", "arn:aws:s3:::b", "arn:aws:logs:r:a:"} {
		if a, err := ParseARN(text); err == nil {
			t.Errorf("%q: parsed %+v, want an error", text, a)
		}
	}
	a, err := ParseARN(Scope{Account: "1", Region: "r"}.StreamARN("g", "s/1"))
	if err != nil {
		t.Fatal(err)
	}
	if name, isGroup := a.GroupName(); isGroup {
		t.Errorf("a stream ARN was taken for group %q", name)
	}
}
