// Package cron reads AWS's cron expressions and computes when they fire.
//
//	cron(minutes hours day-of-month month day-of-week year)
//
// Fields hold numbers, lists (a,b), ranges (a-b, which may wrap but for years),
// steps (*/n, a/n, a-b/n) and *; months and weekdays may be named (JAN, SUN; any
// case), Sunday is 1. Exactly one of day-of-month and day-of-week is ?.
//
//   - day-of-month: L is the last day, nW the weekday (Monday to Friday) of the
//     same month nearest to day n, LW the last weekday;
//   - day-of-week: L is Saturday, dL the last d of the month, d#n the n-th.
//
// L, W and # stand alone in their field. Years go from 1970 to 2199.
//
// An expression is a set of wall times in a zone. A wall time that a change of clocks
// skips does not fire; one that occurs twice fires the first time.
package cron
