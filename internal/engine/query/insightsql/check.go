package insightsql

func check(q *Query) error { return nil }
