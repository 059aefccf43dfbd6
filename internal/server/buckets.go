package server

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/cumulog/cumulog/internal/platform/objstore"
	"github.com/cumulog/cumulog/internal/platform/vfs"
)

// openBuckets opens the files of the data directory as object store, or the S3 service that --s3-endpoint names.
func (c *components) openBuckets(ctx context.Context) error {
	if c.cfg.S3.Endpoint == "" {
		local, err := objstore.OpenLocal(ctx, objstore.LocalOptions{FS: vfs.OS(), Dir: c.cfg.DataPath(objectsName)})
		if err != nil {
			return fmt.Errorf("opening the object store: %w", err)
		}
		c.buckets = local
		c.opened("object store", local.Close)
		return nil
	}
	keys, err := c.remoteCredentials(ctx)
	if err != nil {
		return err
	}
	remote, err := objstore.NewRemote(objstore.RemoteOptions{
		Endpoint: c.cfg.S3.Endpoint, Region: c.cfg.S3.Region, Credentials: keys, PathStyle: c.cfg.S3.PathStyle,
	})
	if err != nil {
		return fmt.Errorf("opening --s3-endpoint: %w", err)
	}
	c.buckets = remote
	c.opened("remote object store", remote.Close)
	return nil
}

// remoteCredentials are those of the configuration, or what the AWS SDK finds in environment, profile and instance role.
func (c *components) remoteCredentials(ctx context.Context) (aws.CredentialsProvider, error) {
	s3 := c.cfg.S3
	if s3.AccessKeyID != "" {
		return credentials.NewStaticCredentialsProvider(s3.AccessKeyID, s3.SecretKey, s3.SessionToken), nil
	}
	found, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(s3.Region))
	if err != nil {
		return nil, fmt.Errorf("finding credentials of --s3-endpoint: %w", err)
	}
	return found.Credentials, nil
}
