package anomalies

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cumulog/cumulog/internal/engine/anomaly"
	"github.com/cumulog/cumulog/internal/platform/vfs"
	"github.com/cumulog/cumulog/internal/service/groups"
)

// worker is a detector at work.
type worker struct {
	id  string
	dir string

	// change is held by whoever changes what follows: the one who reads the feed, or a
	// caller of UpdateAnomaly. Readers use view only.
	change sync.Mutex
	state  state
	det    *anomaly.Detector // nil: not trained
	gone   bool              // the detector was deleted

	dirty   bool  // state or det are not those of the file
	closed  bool  // an evaluation is not in the file
	saved   int64 // ms; when the file was written
	resumed int64 // ms; what was before was not seen as a whole

	uncounted map[string]int // anomalies by priority that Count was not told of yet
	foundAt   int64          // ms; end of the evaluation that found the newest of them

	// Of a training that failed: when the next one may begin, how long that is
	// after the last one, and for which Training of the spec.
	retryAt  int64 // ms
	pause    time.Duration
	retryFor int

	view atomic.Pointer[view]
}

// view is what readers see of a worker. It is never changed.
type view struct {
	book      anomaly.Book
	evaluated int64 // ms; end of the newest evaluation
	status    string
}

// state is the file of a worker.
type state struct {
	Training int    `json:"training"` // of the spec that this was learned for
	Resumed  int    `json:"resumed,omitempty"`
	LSN      uint64 `json:"lsn"`              // done up to here
	Window   int64  `json:"window,omitempty"` // ms; begin of the open evaluation
	Model    []byte `json:"model"`
}

const (
	stateName = "model"
	maxState  = 256 << 20
)

var stateTable = crc32.MakeTable(crc32.Castagnoli)

// errDamaged is wrapped by errors of a file that is not what was written.
var errDamaged = errors.New("damaged file of an anomaly detector")

func newWorker(dir, id string) *worker {
	w := &worker{id: id, dir: filepath.Join(dir, id)}
	w.view.Store(&view{status: Initializing})
	return w
}

// encodeState returns the bytes of a file: a line with the version and the checksum, and JSON.
func encodeState(st *state) ([]byte, error) {
	body, err := json.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("encode anomaly detector: %w", err)
	}
	return append(fmt.Appendf(nil, "cumulog-anomalies 1 %08x\n", crc32.Checksum(body, stateTable)), body...), nil
}

func decodeState(data []byte) (state, error) {
	head, body, ok := bytes.Cut(data, []byte("\n"))
	if !ok || string(head) != fmt.Sprintf("cumulog-anomalies 1 %08x", crc32.Checksum(body, stateTable)) {
		return state{}, fmt.Errorf("%w: bad header or checksum", errDamaged)
	}
	var st state
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&st); err != nil {
		return state{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return st, nil
}

// load reads the file; a missing one leaves the worker untrained.
func (w *worker) load(fsys vfs.FS) error {
	data, err := vfs.ReadFile(fsys, filepath.Join(w.dir, stateName), maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read anomaly detector %s: %w", w.id, err)
	}
	st, err := decodeState(data)
	if err != nil {
		return fmt.Errorf("read anomaly detector %s: %w", w.id, err)
	}
	det, err := anomaly.Decode(st.Model)
	if err != nil {
		return fmt.Errorf("read anomaly detector %s: %w: %w", w.id, errDamaged, err)
	}
	st.Model = nil
	w.state, w.det = st, det
	w.publish(Analyzing)
	return nil
}

// Pauses between trainings that fail.
const (
	minRetry = time.Second
	maxRetry = 10 * time.Minute
)

// waits reports whether a training has to wait because the last one failed. The
// caller holds change.
func (w *worker) waits(training int, now int64) bool {
	return w.pause > 0 && w.retryFor == training && now < w.retryAt && now >= w.retryAt-w.pause.Milliseconds()
}

// trainingFailed makes the next training wait, each time twice as long. The caller
// holds change.
func (w *worker) trainingFailed(training int, now int64) {
	if w.retryFor != training {
		w.pause = 0
	}
	w.pause = min(max(2*w.pause, minRetry), maxRetry)
	w.retryFor, w.retryAt = training, now+w.pause.Milliseconds()
	w.setStatus(Failed)
}

// save writes the file. The caller holds change.
func (w *worker) save(fsys vfs.FS) error {
	st := w.state
	var err error
	if st.Model, err = w.det.Encode(); err != nil {
		return fmt.Errorf("encode anomaly detector %s: %w", w.id, err)
	}
	data, err := encodeState(&st)
	if err != nil {
		return err
	}
	if err = fsys.MkdirAll(w.dir); err == nil {
		err = vfs.WriteFile(fsys, filepath.Join(w.dir, stateName), data)
	}
	if err != nil {
		err = fmt.Errorf("write anomaly detector %s: %w", w.id, err)
		if vfs.IsNoSpace(err) {
			err = fmt.Errorf("%w: %w", groups.ErrUnavailable, err)
		}
		return err
	}
	return nil
}

// publish shows readers what there is now. The caller holds change, or nobody
// else knows the worker.
func (w *worker) publish(status string) {
	v := &view{status: status}
	if w.det != nil {
		v.book, v.evaluated = w.det.Book().Clone(), w.det.Evaluated()
	}
	w.view.Store(v)
}

// setStatus changes the status that readers see. The caller holds change.
func (w *worker) setStatus(status string) {
	v := *w.view.Load()
	v.status = status
	w.view.Store(&v)
}

// changeBook changes the anomalies of a detector durably.
func (w *worker) changeBook(fsys vfs.FS, change func(*anomaly.Book) error) error {
	w.change.Lock()
	defer w.change.Unlock()
	if w.det == nil {
		return ErrAnomalyNotFound
	}
	book := w.det.Book()
	undo := book.Clone()
	err := change(book)
	if err == nil {
		err = w.save(fsys)
	}
	if err != nil {
		*book = undo
		return err
	}
	w.publish(w.view.Load().status)
	return nil
}
