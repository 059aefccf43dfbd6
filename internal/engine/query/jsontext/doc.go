// Package jsontext reads JSON where it stands: it finds the ends of values, the
// members of objects and the elements of arrays in a text without making
// anything. It is what the functions of the query languages and the discovery of
// fields share.
//
// White space, numbers and structure are as RFC 8259 has them. A string may hold
// any bytes; a backslash takes the next byte with it.
package jsontext

// MaxDepth bounds how deep arrays and objects are nested; what is deeper is no JSON.
const MaxDepth = 1024
