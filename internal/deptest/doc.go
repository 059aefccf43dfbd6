// Package deptest holds no code: its tests keep the shape of the tree. They check that imports point down the layers of
// docs/architecture.md, that packages which have a better replacement here are not imported, that every package says what it
// owns, and that nothing is called util.
package deptest
