// Package submatch finds where a regular expression and its groups match a text.
// It gives the answers of regexp, faster for the expressions that take lines of
// logs apart: literals and runs of characters one after another.
//
// Most of them need no search at all: where a run of characters is followed by
// one that cannot be part of it, there is one place where it can end. For the
// rest it goes back over earlier choices, in the order of regexp, within a number
// of steps that is linear in the text; past it, for texts that are not ASCII, and
// for expressions that it does not know, regexp itself answers.
package submatch
