package server

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/cumulog/cumulog/internal/platform/objstore"
	"github.com/cumulog/cumulog/internal/platform/sink"
)

// openTargets reads the file that --targets names. Without one no ARN stands for anything.
func (c *components) openTargets(context.Context) error {
	c.targets = &sink.Registry{}
	if c.cfg.Targets == "" {
		return nil
	}
	f, err := os.Open(c.cfg.Targets)
	if err != nil {
		return fmt.Errorf("opening --targets: %w", err)
	}
	defer f.Close()
	c.targets, err = sink.Load(f, sink.Options{
		Buckets: c.buckets, OpenBuckets: openTargetBuckets, Getenv: os.Getenv, Logger: c.log.With("component", "targets"),
	})
	if err != nil {
		return fmt.Errorf("--targets %s:\n%w", c.cfg.Targets, err)
	}
	c.opened("targets", c.targets.Close)
	for _, t := range c.targets.Targets() {
		c.log.Info("target", "arn", t.ARN, "type", t.Type, "place", t.Place)
	}
	return nil
}

// openTargetBuckets returns a client of an S3 elsewhere.
func openTargetBuckets(e sink.Endpoint) (objstore.Store, error) {
	return objstore.NewRemote(objstore.RemoteOptions{
		Endpoint: e.URL, Region: e.Region, PathStyle: e.PathStyle, HTTPClient: e.HTTP,
		Credentials: credentials.NewStaticCredentialsProvider(e.Credentials.AccessKeyID, e.Credentials.SecretKey, e.Credentials.SessionToken),
	})
}
