package objstore

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// answers reports whether err is S3's word that a bucket has no such setting.
func answers(err error, code string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == code
}

// BucketTags implements Store.
func (s *Remote) BucketTags(ctx context.Context, name string) (map[string]string, error) {
	out, err := s.client.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &name})
	switch {
	case answers(err, "NoSuchTagSet"):
		return nil, nil
	case err != nil:
		return nil, remoteError(err, "get bucket tags", ErrNoSuchBucket)
	}
	tags := make(map[string]string, len(out.TagSet))
	for _, t := range out.TagSet {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

// SetBucketTags implements Store.
func (s *Remote) SetBucketTags(ctx context.Context, name string, tags map[string]string) error {
	if len(tags) == 0 {
		_, err := s.client.DeleteBucketTagging(ctx, &s3.DeleteBucketTaggingInput{Bucket: &name})
		return remoteError(err, "delete bucket tags", ErrNoSuchBucket)
	}
	in := &s3.PutBucketTaggingInput{Bucket: &name, Tagging: &types.Tagging{}}
	for k, v := range tags {
		in.Tagging.TagSet = append(in.Tagging.TagSet, types.Tag{Key: &k, Value: &v})
	}
	_, err := s.client.PutBucketTagging(ctx, in)
	return remoteError(err, "put bucket tags", ErrNoSuchBucket)
}

// BucketPolicy implements Store.
func (s *Remote) BucketPolicy(ctx context.Context, name string) (string, error) {
	out, err := s.client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &name})
	switch {
	case answers(err, "NoSuchBucketPolicy"):
		return "", nil
	case err != nil:
		return "", remoteError(err, "get bucket policy", ErrNoSuchBucket)
	}
	return aws.ToString(out.Policy), nil
}

// SetBucketPolicy implements Store.
func (s *Remote) SetBucketPolicy(ctx context.Context, name, policy string) error {
	if policy == "" {
		_, err := s.client.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &name})
		return remoteError(err, "delete bucket policy", ErrNoSuchBucket)
	}
	_, err := s.client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &name, Policy: &policy})
	return remoteError(err, "put bucket policy", ErrNoSuchBucket)
}
