package objstore

import (
	"context"
	"maps"
)

// BucketTags implements Store.
func (l *Local) BucketTags(ctx context.Context, name string) (map[string]string, error) {
	b, err := l.state(ctx, name)
	if err != nil {
		return nil, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return maps.Clone(b.tags), nil
}

// SetBucketTags implements Store.
func (l *Local) SetBucketTags(ctx context.Context, name string, tags map[string]string) error {
	return l.set(ctx, name, func(b *bucketState) { b.tags = maps.Clone(tags) })
}

// BucketPolicy implements Store.
func (l *Local) BucketPolicy(ctx context.Context, name string) (string, error) {
	b, err := l.state(ctx, name)
	if err != nil {
		return "", err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	return b.policy, nil
}

// SetBucketPolicy implements Store.
func (l *Local) SetBucketPolicy(ctx context.Context, name, policy string) error {
	return l.set(ctx, name, func(b *bucketState) { b.policy = policy })
}

// set changes settings of a bucket on disk, then in memory.
func (l *Local) set(ctx context.Context, name string, edit func(*bucketState)) error {
	l.create.Lock() // the record is written by one at a time
	defer l.create.Unlock()
	b, err := l.state(ctx, name)
	if err != nil {
		return err
	}
	changed := bucketState{bucket: b.bucket, tags: b.tags, policy: b.policy}
	edit(&changed)
	if err := l.writeJSON(l.bucketFile(name), changed.record()); err != nil {
		return l.wrap(err, "change bucket "+name)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b.tags, b.policy = changed.tags, changed.policy
	return nil
}

func (b *bucketState) record() bucketRecord {
	return bucketRecord{
		Format: metaFormat, Name: b.bucket.Name, Account: b.bucket.Account, Region: b.bucket.Region, Created: b.bucket.Created,
		Tags: b.tags, Policy: b.policy,
	}
}
