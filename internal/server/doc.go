// Package server is the composition root: it takes the lock of the data directory, opens every component in order, wires them
// into one HTTP listener, and stops them in reverse order. It alone knows every concrete type; nothing but cmd and cumulogtest
// imports it.
//
// Order of start: lock, catalog, store, services, background work, listener, server file. Stopping drains the listener first,
// then cancels background work, then closes services, store, catalog and lock.
//
// While a server runs, the data directory holds server.json (mode 0600): process id, address and an admin token. Commands on
// the same machine use it to name who holds the lock and to reach the server's own API at /_/api/ when the directory is busy.
package server
