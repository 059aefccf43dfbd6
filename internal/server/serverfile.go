package server

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// serverFileName is the file that tells other commands of this machine who runs on a data directory.
const serverFileName = "server.json"

// maxServerFile bounds what is read back.
const maxServerFile = 64 << 10

// serverFile is written after the listener answers and removed when it stops. It is only a hint: the lock decides.
type serverFile struct {
	PID         int    `json:"pid"`
	URL         string `json:"url"`         // reachable from this machine
	Token       string `json:"token"`       // bearer token of the admin API
	Certificate string `json:"certificate"` // hex SHA-256 of the TLS leaf; empty without TLS
}

func newToken() string {
	var b [24]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// write puts the file in place atomically, readable by its owner only.
func (f serverFile) write(dir string) error {
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", serverFileName, err)
	}
	return replaceFile(filepath.Join(dir, serverFileName), append(raw, '\n'), 0o600)
}

// replaceFile writes a small file so that readers see the old or the new content, never a part.
func replaceFile(name string, content []byte, mode fs.FileMode) error {
	tmp := name + ".tmp"
	if err := os.WriteFile(tmp, content, mode); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := os.Rename(tmp, name); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// readServerFile returns the hint of the server on dir; ok is false when there is none that can be used.
func readServerFile(dir string) (f serverFile, ok bool) {
	name := filepath.Join(dir, serverFileName)
	info, err := os.Stat(name)
	if err != nil || info.Size() > maxServerFile {
		return f, false
	}
	raw, err := os.ReadFile(name)
	if err != nil || json.Unmarshal(raw, &f) != nil {
		return serverFile{}, false
	}
	return f, f.PID > 0 && f.URL != ""
}

// ErrBusy is wrapped by errors about a data directory that another process holds.
var ErrBusy = errors.New("data directory is in use")

func busyError(dir string) error {
	if f, ok := readServerFile(dir); ok {
		return fmt.Errorf("%w: process %d serves %s at %s", ErrBusy, f.PID, dir, f.URL)
	}
	return fmt.Errorf("%w: another process holds %s", ErrBusy, filepath.Join(dir, lockFileName))
}
