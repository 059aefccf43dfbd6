package objstore

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// uploadRecord is upload.json of an upload's directory.
type uploadRecord struct {
	Format    int       `json:"format"`
	Bucket    string    `json:"bucket"`
	Key       string    `json:"key"`
	ID        string    `json:"id"`
	Initiated time.Time `json:"initiated"`
	Metadata
	Checksum Checksum `json:"checksum"`
}

func (u *uploadRecord) upload() Upload {
	return Upload{ID: u.ID, Key: u.Key, Initiated: u.Initiated, Metadata: u.Metadata, Checksum: u.Checksum}
}

// partRecord is part-NNNNN.json. It names the file of its bytes, so that a part
// that is sent again changes bytes and description in one rename.
type partRecord struct {
	Format   int       `json:"format"`
	Number   int       `json:"number"`
	File     string    `json:"file"`
	Size     int64     `json:"size"`
	ETag     string    `json:"etag"`
	Modified time.Time `json:"modified"`
	Checksum Checksum  `json:"checksum"`
}

func (p *partRecord) part() Part {
	return Part{Number: p.Number, Size: p.Size, ETag: p.ETag, Modified: p.Modified, Checksum: p.Checksum}
}

const maxUploadID = 32 // hex digits

func (l *Local) uploadDir(bucket, id string) string { return l.system("uploads", bucket, id) }

func partName(number int) string { return fmt.Sprintf("part-%05d.json", number) }

// readUpload finds an upload; the id comes from a client.
func (l *Local) readUpload(bucket, key, id string) (*uploadRecord, error) {
	no := fmt.Errorf("upload %q: %w", id, ErrNoSuchUpload)
	if raw, err := hex.DecodeString(id); err != nil || len(id) != maxUploadID || hex.EncodeToString(raw) != id {
		return nil, no
	}
	rec := new(uploadRecord)
	err := l.readJSON(filepath.Join(l.uploadDir(bucket, id), "upload.json"), rec)
	if missing(err) || err == nil && rec.Key != key {
		return nil, no
	}
	return rec, err
}

// CreateUpload implements Store.
func (l *Local) CreateUpload(ctx context.Context, bucket, key string, m Metadata, c Checksum) (Upload, error) {
	b, err := l.state(ctx, bucket)
	if err != nil {
		return Upload{}, err
	}
	if err := CheckKey(key); err != nil {
		return Upload{}, err
	}
	if c.Algorithm != "" && NewHash(c.Algorithm) == nil {
		return Upload{}, fmt.Errorf("checksum algorithm %q: %w", c.Algorithm, ErrBadChecksum)
	}
	if err := b.enter(); err != nil {
		return Upload{}, err
	}
	defer b.life.RUnlock()
	var raw [maxUploadID / 2]byte
	rand.Read(raw[:])
	rec := uploadRecord{Format: metaFormat, Bucket: bucket, Key: key, ID: hex.EncodeToString(raw[:]),
		Initiated: l.now().UTC().Truncate(time.Millisecond), Metadata: m, Checksum: c}
	dir := l.uploadDir(bucket, rec.ID)
	if err := l.fs.MkdirAll(dir); err != nil {
		return Upload{}, l.wrap(err, "create upload")
	}
	if err := l.writeJSON(filepath.Join(dir, "upload.json"), &rec); err != nil {
		return Upload{}, l.wrap(errors.Join(err, l.fs.RemoveAll(dir)), "create upload")
	}
	return rec.upload(), nil
}

// PutPart implements Store.
func (l *Local) PutPart(ctx context.Context, bucket, key, id string, number int, r io.Reader, size int64, checksum func() Checksum) (Part, error) {
	b, err := l.state(ctx, bucket)
	if err != nil {
		return Part{}, err
	}
	if number < 1 || number > MaxPart {
		return Part{}, ErrInvalidPartNumber
	}
	up, err := l.readUpload(bucket, key, id)
	if err != nil {
		return Part{}, err
	}
	h := NewHash(up.Checksum.Algorithm)
	var also io.Writer
	if h != nil {
		also = h
	}
	s, err := l.stage(ctx, r, size, MaxObjectSize, also)
	if err != nil {
		return Part{}, err
	}
	rec := partRecord{Format: metaFormat, Number: number, File: fmt.Sprintf("part-%05d-%s.data", number, s.id),
		Size: s.size, ETag: s.md5, Modified: l.now().UTC().Truncate(time.Millisecond)}
	if checksum != nil {
		rec.Checksum = checksum()
	}
	if h != nil && rec.Checksum.Algorithm != up.Checksum.Algorithm {
		rec.Checksum = Checksum{Algorithm: up.Checksum.Algorithm, Value: base64.StdEncoding.EncodeToString(h.Sum(nil))}
	}
	if err := l.placePart(b, up, &s, &rec); err != nil {
		l.discard(l.tmpData(s.id))
		return Part{}, l.wrap(err, "write part")
	}
	return rec.part(), nil
}

func (l *Local) placePart(b *bucketState, up *uploadRecord, s *staged, rec *partRecord) error {
	defer l.lockUpload(up.ID)()
	if err := b.enter(); err != nil {
		return err
	}
	defer b.life.RUnlock()
	if _, err := l.readUpload(up.Bucket, up.Key, up.ID); err != nil {
		return err // completed or aborted meanwhile
	}
	dir := l.uploadDir(up.Bucket, up.ID)
	name := filepath.Join(dir, partName(rec.Number))
	var old partRecord
	if err := l.readJSON(name, &old); err != nil && !missing(err) {
		return err
	}
	if err := l.fs.Rename(l.tmpData(s.id), filepath.Join(dir, rec.File)); err != nil {
		return err
	}
	if err := l.fs.SyncDir(dir); err != nil {
		return err
	}
	if err := l.writeJSON(name, rec); err != nil {
		return err
	}
	if old.File != "" {
		if err := l.fs.Remove(filepath.Join(dir, filepath.Base(old.File))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// lockUpload serialises what changes an upload and returns the unlock. The
// upload's lock comes before that of a key.
func (l *Local) lockUpload(id string) func() {
	n, _ := strconv.ParseUint(id[:4], 16, 32)
	m := &l.uploads[int(n)%len(l.uploads)]
	m.Lock()
	return m.Unlock
}

// readParts returns the part records of an upload, ascending.
func (l *Local) readParts(bucket, id string, after, limit int) ([]partRecord, error) {
	dir := l.uploadDir(bucket, id)
	names, err := l.fs.List(dir)
	if err != nil {
		return nil, err
	}
	var parts []partRecord
	for _, name := range names { // five digits sort by number
		if !strings.HasPrefix(name, "part-") || filepath.Ext(name) != ".json" || name <= partName(after) && after > 0 {
			continue
		}
		if len(parts) >= limit {
			break
		}
		var rec partRecord
		if err := l.readJSON(filepath.Join(dir, name), &rec); err != nil {
			return nil, err
		}
		parts = append(parts, rec)
	}
	return parts, nil
}

// Parts implements Store.
func (l *Local) Parts(ctx context.Context, bucket, key, id string, after, limit int) (Upload, []Part, bool, error) {
	if _, err := l.state(ctx, bucket); err != nil {
		return Upload{}, nil, false, err
	}
	up, err := l.readUpload(bucket, key, id)
	if err != nil {
		return Upload{}, nil, false, err
	}
	recs, err := l.readParts(bucket, id, after, limit+1)
	if err != nil {
		return Upload{}, nil, false, l.wrap(err, "list parts")
	}
	more := len(recs) > limit
	if more {
		recs = recs[:limit]
	}
	parts := make([]Part, len(recs))
	for i := range recs {
		parts[i] = recs[i].part()
	}
	return up.upload(), parts, more, nil
}

// CompleteUpload implements Store.
func (l *Local) CompleteUpload(ctx context.Context, bucket, key, id string, parts []CompletedPart, o CompleteOptions) (Object, error) {
	b, err := l.state(ctx, bucket)
	if err != nil {
		return Object{}, err
	}
	if _, err := l.readUpload(bucket, key, id); err != nil {
		return Object{}, err
	}
	defer l.lockUpload(id)()
	up, err := l.readUpload(bucket, key, id)
	if err != nil {
		return Object{}, err
	}
	recs, err := l.readParts(bucket, id, 0, MaxPart)
	if err != nil {
		return Object{}, l.wrap(err, "complete upload")
	}
	chosen, err := choose(recs, parts)
	if err != nil {
		return Object{}, err
	}
	if err := l.precondition(b, key, o.IfNoneMatch, o.IfMatch); err != nil {
		return Object{}, err
	}
	m := &meta{Metadata: up.Metadata}
	cat := &partReader{l: l, dir: l.uploadDir(bucket, id)}
	sums := md5.New()
	list := make([]Part, len(chosen))
	var size int64
	for i, rec := range chosen {
		raw, err := hex.DecodeString(rec.ETag)
		if err != nil {
			return Object{}, fmt.Errorf("%w: etag of part %d", ErrCorrupt, rec.Number)
		}
		sums.Write(raw)
		size += rec.Size
		cat.files = append(cat.files, rec.File)
		list[i] = rec.part()
	}
	if size > MaxObjectSize {
		return Object{}, ErrEntityTooLarge
	}
	if o.Size >= 0 && o.Size != size {
		return Object{}, ErrSizeMismatch
	}
	m.ETag = hex.EncodeToString(sums.Sum(nil)) + "-" + strconv.Itoa(len(chosen))
	var whole hash.Hash
	var also io.Writer
	switch c := up.Checksum; {
	case c.Algorithm == "":
	case c.Composite:
		sum, err := composite(c.Algorithm, list)
		if err != nil {
			return Object{}, err
		}
		m.Checksum = &sum
	default:
		whole = NewHash(c.Algorithm)
		also = whole
	}
	s, err := l.stage(ctx, cat, size, MaxObjectSize, also)
	cat.close()
	if err != nil {
		return Object{}, err
	}
	if whole != nil {
		m.Checksum = &Checksum{Algorithm: up.Checksum.Algorithm, Value: base64.StdEncoding.EncodeToString(whole.Sum(nil))}
	}
	if want := o.Checksum; want.Value != "" && (m.Checksum == nil || m.Checksum.Algorithm != want.Algorithm || m.Checksum.Value != want.Value) {
		l.discard(l.tmpData(s.id))
		return Object{}, fmt.Errorf("complete upload: %w", ErrBadChecksum)
	}
	obj, err := l.commit(b, key, s, m, o.IfNoneMatch, o.IfMatch)
	if err != nil {
		return Object{}, err
	}
	// The object stands. An upload that a failure leaves behind can be
	// completed again or aborted; it cannot harm.
	return obj, l.wrap(l.removeUpload(bucket, id), "complete upload")
}

// choose matches the parts that a client lists with those that were uploaded.
func choose(recs []partRecord, parts []CompletedPart) ([]partRecord, error) {
	if len(parts) == 0 || len(parts) > MaxPart {
		return nil, ErrInvalidPart
	}
	byNumber := make(map[int]partRecord, len(recs))
	for _, r := range recs {
		byNumber[r.Number] = r
	}
	chosen := make([]partRecord, 0, len(parts))
	for i, p := range parts {
		if i > 0 && p.Number <= parts[i-1].Number {
			return nil, ErrInvalidPartOrder
		}
		rec, ok := byNumber[p.Number]
		if !ok || rec.ETag != p.ETag {
			return nil, fmt.Errorf("part %d: %w", p.Number, ErrInvalidPart)
		}
		if c := p.Checksum; c.Value != "" && c.Algorithm == rec.Checksum.Algorithm && c.Value != rec.Checksum.Value {
			return nil, fmt.Errorf("checksum of part %d: %w", p.Number, ErrInvalidPart)
		}
		chosen = append(chosen, rec)
	}
	for _, rec := range chosen[:len(chosen)-1] {
		if rec.Size < MinPartSize {
			return nil, fmt.Errorf("part %d has %d bytes: %w", rec.Number, rec.Size, ErrEntityTooSmall)
		}
	}
	return chosen, nil
}

// partReader reads the parts' files one after another.
type partReader struct {
	l     *Local
	dir   string
	files []string
	open  io.ReadCloser
}

func (p *partReader) Read(buf []byte) (int, error) {
	for {
		if p.open == nil {
			if len(p.files) == 0 {
				return 0, io.EOF
			}
			f, err := p.l.fs.Open(filepath.Join(p.dir, filepath.Base(p.files[0])))
			if err != nil {
				return 0, err
			}
			p.open, p.files = f, p.files[1:]
		}
		n, err := p.open.Read(buf)
		if n > 0 || err != nil && err != io.EOF {
			if err == io.EOF {
				err = nil
			}
			return n, err
		}
		if err == io.EOF {
			p.close()
		}
	}
}

func (p *partReader) close() {
	if p.open != nil {
		p.open.Close()
		p.open = nil
	}
}

// removeUpload makes an upload unknown, then removes its files.
func (l *Local) removeUpload(bucket, id string) error {
	dir := l.uploadDir(bucket, id)
	if err := l.fs.Remove(filepath.Join(dir, "upload.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := l.fs.SyncDir(dir); err != nil && !missing(err) {
		return err
	}
	return l.fs.RemoveAll(dir)
}

// AbortUpload implements Store.
func (l *Local) AbortUpload(ctx context.Context, bucket, key, id string) error {
	if _, err := l.state(ctx, bucket); err != nil {
		return err
	}
	if _, err := l.readUpload(bucket, key, id); err != nil {
		return err
	}
	defer l.lockUpload(id)()
	if _, err := l.readUpload(bucket, key, id); err != nil {
		return err
	}
	return l.wrap(l.removeUpload(bucket, id), "abort upload")
}

// Uploads implements Store. It reads the records of all uploads of the bucket.
func (l *Local) Uploads(ctx context.Context, bucket string, o UploadListOptions) (UploadPage, error) {
	if _, err := l.state(ctx, bucket); err != nil {
		return UploadPage{}, err
	}
	ids, err := l.fs.List(l.system("uploads", bucket))
	if err != nil && !missing(err) {
		return UploadPage{}, l.wrap(err, "list uploads")
	}
	var all []Upload
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return UploadPage{}, err
		}
		var rec uploadRecord
		if err := l.readJSON(filepath.Join(l.uploadDir(bucket, id), "upload.json"), &rec); missing(err) {
			continue // being created or removed
		} else if err != nil {
			return UploadPage{}, l.wrap(err, "list uploads")
		}
		if strings.HasPrefix(rec.Key, o.Prefix) && rec.ID == id {
			all = append(all, rec.upload())
		}
	}
	slices.SortFunc(all, func(a, b Upload) int {
		if c := strings.Compare(a.Key, b.Key); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return pageUploads(all, o), nil
}

func pageUploads(all []Upload, o UploadListOptions) UploadPage {
	if o.Limit <= 0 || o.Limit > MaxListLimit {
		o.Limit = MaxListLimit
	}
	var page UploadPage
	last := ""
	for _, u := range all {
		if u.Key < o.AfterKey || u.Key == o.AfterKey && (o.AfterID == "" || u.ID <= o.AfterID) && o.AfterKey != "" {
			continue
		}
		cp := rollUp(u.Key, o.Prefix, o.Delimiter)
		if cp != "" && (cp == last || cp == o.AfterKey) {
			continue
		}
		if len(page.Uploads)+len(page.Prefixes) >= o.Limit {
			page.Truncated = true
			return page
		}
		if cp != "" {
			page.Prefixes = append(page.Prefixes, cp)
			page.NextKey, page.NextID, last = cp, "", cp
			continue
		}
		page.Uploads = append(page.Uploads, u)
		page.NextKey, page.NextID = u.Key, u.ID
	}
	page.NextKey, page.NextID = "", ""
	return page
}
