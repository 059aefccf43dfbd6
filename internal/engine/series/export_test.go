package series

// What tests and fuzz targets need of the inside.

// Decode functions, for fuzzing.
var (
	DecodeManifest = func(b []byte) error { _, err := decodeManifest(b); return err }
	SplitKey       = func(key string) (Metric, string, error) {
		m, _, _, unit, err := splitKey(key)
		return m, unit, err
	}
)

// EncodeRecord encodes an Add as in the log.
func EncodeRecord(points []Point, reached map[string]uint64) ([]byte, error) {
	r := newRegistry()
	b := &batch{points: points, reached: reached}
	for i := range points {
		key, _, err := appendMetricKey(nil, &points[i].Metric)
		if err != nil {
			return nil, err
		}
		s, err := r.seriesOf(string(append(append(key, 0), points[i].Unit...)))
		if err != nil {
			return nil, err
		}
		b.series = append(b.series, s)
	}
	return appendRecord(nil, b), nil
}

// RecodeRecord decodes a record and encodes it again.
func RecodeRecord(b []byte) ([]byte, error) {
	d, err := decodeRecord(b)
	if err != nil {
		return nil, err
	}
	r := newRegistry()
	t := &batch{points: d.points, reached: d.reached}
	for _, ref := range d.refs {
		s, err := r.seriesOf(d.keys[ref])
		if err != nil {
			return nil, err
		}
		t.series = append(t.series, s)
	}
	return appendRecord(nil, t), nil
}

// EncodeChunk encodes points of one day as a chunk of minutes.
func EncodeChunk(points []Point, base int64) ([]byte, error) {
	p, err := newPacker()
	if err != nil {
		return nil, err
	}
	var buckets []Bucket
	for i := range points {
		addPoint(&buckets, points[i].Timestamp-points[i].Timestamp%minute, &points[i])
	}
	b, _, err := p.appendChunk(nil, buckets, base, minute)
	return b, err
}

// ChunkDecoder decodes chunks of minutes of a day.
type ChunkDecoder struct{ u *unpacker }

// NewChunkDecoder returns a decoder.
func NewChunkDecoder() *ChunkDecoder {
	db := &DB{}
	if err := db.openCodecs(); err != nil {
		panic(err)
	}
	return &ChunkDecoder{db.unpackers.Get().(*unpacker)}
}

// Decode decodes a chunk; see decodeChunk.
func (d *ChunkDecoder) Decode(chunk []byte, base int64, sketches bool) ([]Bucket, error) {
	return d.u.decodeChunk(chunk, base, minute, day, sketches)
}

// DecodeColumns decodes what is in a chunk behind checksums and compression.
func (d *ChunkDecoder) DecodeColumns(sums, sketches []byte, base int64) ([]Bucket, bool) {
	dec := &decoder{b: sums}
	d.u.decodeSums(dec, base, minute, day)
	if !dec.done() {
		return nil, false
	}
	dec = &decoder{b: sketches}
	d.u.decodeSketches(dec)
	return d.u.buckets, dec.done()
}

// EncodeColumns is the opposite of DecodeColumns.
func EncodeColumns(buckets []Bucket, base int64) (sums, sketches []byte) {
	return appendBuckets(nil, nil, buckets, base, minute)
}

// DecodeIndex decodes an index of minutes of a day and encodes it again.
func DecodeIndex(b []byte, base int64) ([]byte, error) {
	var entries []indexEntry
	err := decodeIndex(b, base, minute, day, func(key []byte, e *indexEntry) error {
		e.key = string(key)
		entries = append(entries, *e)
		return nil
	})
	return appendIndex(nil, entries, base, minute), err
}

// MergeBuckets adds o to b.
func MergeBuckets(b, o *Bucket) { b.merge(o) }

// AddPoint adds p to b.
func AddPoint(b *Bucket, p *Point) { b.add(p) }

// SetLogFile sets the size of the files of the log.
func SetLogFile(o *Options, size int64) { o.logFile = size }

// Limits of sketches.
const (
	MaxExact = maxExact
	MaxBins  = maxBins
)

// Entries returns how many values or bins a bucket holds, and whether they are bins.
func (b *Bucket) Entries() (n int, binned bool) { return len(b.values.entries), b.values.binned }
