package metrics

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// widgetTypes are the types of widgets with the properties they must have.
var widgetTypes = map[string][]string{
	"metric": nil, "text": {"markdown"}, "log": {"query", "region"}, "alarm": {"alarms"}, "explorer": {"metrics"}, "custom": {"endpoint"},
}

// dashboardFields are the members that a body may have.
var dashboardFields = []string{"start", "end", "periodOverride", "widgets", "variables"}

// widgetFields are the members that a widget may have.
var widgetFields = []string{"type", "x", "y", "width", "height", "properties"}

// dashboardCheck collects what is to be said about a body.
type dashboardCheck struct{ warnings, wrong []DashboardMessage }

func (c *dashboardCheck) warn(path, format string, args ...any) {
	if len(c.warnings) < maxDashboardErrors {
		c.warnings = append(c.warnings, DashboardMessage{path, fmt.Sprintf(format, args...)})
	}
}

func (c *dashboardCheck) refuse(path, format string, args ...any) {
	if len(c.wrong) < maxDashboardErrors {
		c.wrong = append(c.wrong, DashboardMessage{path, fmt.Sprintf(format, args...)})
	}
}

// checkDashboard checks the body of a dashboard. What cannot be a dashboard is wrong;
// members that are not known are warned of.
func checkDashboard(body string) (warnings, wrong []DashboardMessage) {
	c := &dashboardCheck{}
	var top map[string]json.RawMessage
	switch {
	case body == "":
		c.refuse("", "The field DashboardBody is required.")
	case len(body) > maxDashboardBody:
		c.refuse("", "The dashboard body must not be longer than %d bytes.", maxDashboardBody)
	case json.Unmarshal([]byte(body), &top) != nil || top == nil:
		c.refuse("", "The field DashboardBody must be a valid JSON object")
	default:
		c.body(top)
	}
	return c.warnings, c.wrong
}

func (c *dashboardCheck) body(top map[string]json.RawMessage) {
	for _, name := range slices.Sorted(maps.Keys(top)) {
		if !slices.Contains(dashboardFields, name) {
			c.warn("/"+name, "Should NOT have additional properties")
		}
	}
	raw, ok := top["widgets"]
	if !ok {
		c.refuse("", "Should have required property 'widgets'")
		return
	}
	var widgets []json.RawMessage
	if json.Unmarshal(raw, &widgets) != nil || widgets == nil {
		c.refuse("/widgets", "Should be array")
		return
	}
	if len(widgets) > maxWidgets {
		c.refuse("/widgets", "Should NOT have more than %d items", maxWidgets)
		return
	}
	for i, w := range widgets {
		c.widget(fmt.Sprintf("/widgets/%d", i), w)
	}
}

func (c *dashboardCheck) widget(path string, raw json.RawMessage) {
	var w map[string]json.RawMessage
	if json.Unmarshal(raw, &w) != nil || w == nil {
		c.refuse(path, "Should be object")
		return
	}
	for _, name := range slices.Sorted(maps.Keys(w)) {
		if !slices.Contains(widgetFields, name) {
			c.warn(path+"/"+name, "Should NOT have additional properties")
		}
	}
	c.number(path+"/x", w["x"], 0, dashboardWidth-1)
	c.number(path+"/y", w["y"], 0, 1<<20)
	c.number(path+"/width", w["width"], 1, dashboardWidth)
	c.number(path+"/height", w["height"], 1, maxWidgetHeight)
	var kind string
	if w["type"] == nil {
		c.refuse(path, "Should have required property 'type'")
		return
	}
	err := json.Unmarshal(w["type"], &kind)
	if needed, known := widgetTypes[kind]; err == nil && known {
		c.properties(path, kind, w["properties"], needed)
		return
	}
	c.refuse(path+"/type", "Should be equal to one of the allowed values: %v", slices.Sorted(maps.Keys(widgetTypes)))
}

// number checks an optional whole number.
func (c *dashboardCheck) number(path string, raw json.RawMessage, least, most int) {
	if raw == nil {
		return
	}
	var n int
	if json.Unmarshal(raw, &n) != nil {
		c.refuse(path, "Should be integer")
		return
	}
	if n < least || n > most {
		c.refuse(path, "Should be between %d and %d", least, most)
	}
}

func (c *dashboardCheck) properties(path, kind string, raw json.RawMessage, needed []string) {
	var properties map[string]json.RawMessage
	if raw == nil {
		c.refuse(path, "Should have required property 'properties'")
		return
	}
	if json.Unmarshal(raw, &properties) != nil || properties == nil {
		c.refuse(path+"/properties", "Should be object")
		return
	}
	for _, name := range needed {
		if properties[name] == nil {
			c.refuse(path+"/properties", "Should have required property '%s'", name)
		}
	}
	if kind != "metric" {
		return
	}
	if properties["metrics"] == nil && properties["annotations"] == nil {
		c.refuse(path+"/properties", "Should have required property 'metrics' or 'annotations'")
	}
	if properties["region"] == nil {
		c.warn(path+"/properties", "Should have required property 'region'")
	}
	if raw := properties["metrics"]; raw != nil {
		c.metrics(path+"/properties/metrics", raw)
	}
}

// metrics checks the lines of a metric widget.
func (c *dashboardCheck) metrics(path string, raw json.RawMessage) {
	var lines []json.RawMessage
	if json.Unmarshal(raw, &lines) != nil || lines == nil {
		c.refuse(path, "Should be array")
		return
	}
	for i, raw := range lines {
		at := fmt.Sprintf("%s/%d", path, i)
		var parts []any
		if json.Unmarshal(raw, &parts) != nil || len(parts) == 0 {
			c.refuse(at, "Should be array with at least 1 item")
			continue
		}
		if _, options := parts[len(parts)-1].(map[string]any); options {
			parts = parts[:len(parts)-1]
		}
		if len(parts) == 1 {
			c.refuse(at, "Invalid metric field type, only \"String\" type is allowed for namespace and name, and both are required")
		}
		for j, p := range parts {
			if _, ok := p.(string); !ok {
				c.refuse(fmt.Sprintf("%s/%d", at, j), "Invalid metric field type, only \"String\" type is allowed")
			}
		}
		if len(parts)%2 != 0 && len(parts) > 1 {
			c.refuse(at, "Every dimension name needs a value")
		}
	}
}
