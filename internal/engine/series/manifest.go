package series

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/cumulog/cumulog/internal/platform/vfs"
)

const (
	manifestName    = "MANIFEST"
	manifestVersion = 1
	manifestPage    = 4096
	maxManifest     = 64 << 20
)

// manifest says what the store consists of.
type manifest struct {
	Version    int               `json:"version"`
	Checkpoint uint64            `json:"checkpoint"` // records of the log up to here are in files
	Next       uint64            `json:"next"`       // number of the next file
	Reached    map[string]uint64 `json:"reached,omitempty"`
	Files      []manifestFile    `json:"files"`
}

// manifestFile is a file and what it holds, also in case it cannot be read.
type manifestFile struct {
	Name       string `json:"name"`
	Resolution int64  `json:"resolution"` // ms
	Start      int64  `json:"start"`      // of its partition, ms
}

func (f *manifestFile) level() (int, error) {
	lv, ok := levelOf(f.Resolution)
	if !ok || f.Start < 0 || f.Start > maxTimestamp || levels[lv].start(f.Start) != f.Start ||
		!strings.HasSuffix(f.Name, fileSuffix) || filepath.Base(f.Name) != f.Name {
		return 0, fmt.Errorf("manifest names file %.64q of %d ms from %d: %w", f.Name, f.Resolution, f.Start, errFormat)
	}
	return lv, nil
}

// encode returns the bytes of the manifest file: two equal halves, so that one bad
// sector takes nothing away. A half is a line of JSON, a line with its CRC-32C in
// hexadecimal, and zeros up to a multiple of a page.
func (m *manifest) encode() ([]byte, error) {
	line, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	half := fmt.Appendf(append(line, '\n'), "%08x\n", crc32.Checksum(line, castagnoli))
	half = append(half, make([]byte, -len(half)&(manifestPage-1))...)
	return append(half, half...), nil
}

// decodeManifest reads what encode returned.
func decodeManifest(b []byte) (manifest, error) {
	m, err := decodeHalf(b[:len(b)/2])
	if err == nil || errors.Is(err, ErrVersion) {
		return m, err
	}
	if m, second := decodeHalf(b[len(b)/2:]); second == nil {
		return m, nil
	}
	return manifest{}, err
}

func decodeHalf(b []byte) (manifest, error) {
	line, rest, ok := bytes.Cut(b, []byte("\n"))
	if !ok || len(rest) < 9 || fmt.Sprintf("%08x\n", crc32.Checksum(line, castagnoli)) != string(rest[:9]) {
		return manifest{}, fmt.Errorf("checksum of the manifest: %w", errFormat)
	}
	var m manifest
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	err := d.Decode(&m)
	if m.Version > manifestVersion {
		return manifest{}, fmt.Errorf("manifest: %w %d", ErrVersion, m.Version)
	}
	if err != nil {
		return manifest{}, fmt.Errorf("manifest: %w: %w", errFormat, err)
	}
	if m.Version != manifestVersion || m.Next == 0 || len(m.Reached) > maxReached {
		return manifest{}, fmt.Errorf("manifest: %w", errFormat)
	}
	for i := range m.Files {
		if _, err := m.Files[i].level(); err != nil {
			return manifest{}, err
		}
	}
	return m, nil
}

// readManifest reads the manifest of a store; fs.ErrNotExist when there is no store.
func readManifest(fsys vfs.FS, dir string) (manifest, error) {
	b, err := vfs.ReadFile(fsys, filepath.Join(dir, manifestName), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		if err := checkEmpty(fsys, dir); err != nil {
			return manifest{}, err
		}
	}
	if err != nil {
		return manifest{}, fmt.Errorf("manifest: %w", err)
	}
	m, err := decodeManifest(b)
	if errors.Is(err, errFormat) {
		return m, &CorruptionError{File: manifestName, Section: "manifest", Detail: err.Error()}
	}
	return m, err
}

// checkEmpty makes sure that a directory without a manifest was never a store.
func checkEmpty(fsys vfs.FS, dir string) error {
	for _, sub := range []string{filesDir, logDir} {
		names, err := fsys.List(filepath.Join(dir, sub))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("manifest: %w", err)
		}
		if len(names) > 0 {
			return &CorruptionError{File: manifestName, Section: "manifest", Detail: "it is missing, but there is " + filepath.Join(sub, names[0])}
		}
	}
	return nil
}

func writeManifest(fsys vfs.FS, dir string, m *manifest) error {
	b, err := m.encode()
	if err != nil {
		return err
	}
	if err := vfs.WriteFile(fsys, filepath.Join(dir, manifestName), b); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}
