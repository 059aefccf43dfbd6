package series

// health is what went wrong lately. DB.mu guards it.
type health struct {
	flush, merge error
	damaged      map[string]*CorruptionError // files in which reads met damage
}

// Stats describe a DB.
type Stats struct {
	Series    int   // series (metric and unit)
	MaxSeries int   // how many there may be
	Files     int   // files
	Bytes     int64 // of the files
	Memtable  int64 // bytes of what is in no file yet
	Backlog   int64 // bytes of the log that a restart would read
	Damaged   int   // files that cannot be read, in whole or in part
	FlushErr  error // of the last flush
	MergeErr  error // of the last merge or roll-up
}

// Stats returns the present figures.
func (db *DB) Stats() Stats {
	s := Stats{Backlog: db.log.Stats().Backlog}
	db.mu.RLock()
	defer db.mu.RUnlock()
	s.Series, s.MaxSeries, s.Files = db.count, db.o.MaxSeries, len(db.files)
	s.Damaged = len(db.health.damaged)
	for _, f := range db.files {
		s.Bytes += f.size
		if f.damaged != nil {
			s.Damaged++
		}
	}
	s.Memtable = db.active.bytes
	if db.sealed != nil {
		s.Memtable += db.sealed.bytes
	}
	s.FlushErr, s.MergeErr = db.health.flush, db.health.merge
	return s
}

// isDamaged reports whether a file cannot be read, as far as is known.
func (db *DB) isDamaged(f *file) bool {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return f.damaged != nil || db.health.damaged[f.name] != nil
}

// noteDamage remembers and logs the first damage of a file.
func (db *DB) noteDamage(e *CorruptionError) {
	db.mu.Lock()
	_, known := db.health.damaged[e.File]
	if !known {
		if db.health.damaged == nil {
			db.health.damaged = map[string]*CorruptionError{}
		}
		db.health.damaged[e.File] = e
	}
	db.mu.Unlock()
	if !known {
		db.o.Logger.Error("a file of metrics is damaged", "error", e)
	}
}
