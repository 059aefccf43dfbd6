// Package column holds the values of log rows as the engine computes on them:
// column by column, without an interface value per cell. It is the vocabulary
// that part files (store/segment) and operators (query/exec) share, and does no
// I/O.
//
// Everything is about one block: at most MaxRows rows, numbered from 0.
package column

// MaxRows bounds the rows of a block.
const MaxRows = 32 << 10
