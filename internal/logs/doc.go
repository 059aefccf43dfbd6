// Package logs holds the nouns that every layer of Cumulog shares: scopes,
// names, ARNs, event positions, event ids and time ranges. It does no I/O and
// imports nothing of ours.
package logs
