// Package stsapi answers the two identity questions that clients ask before
// anything else: STS GetCallerIdentity and IAM GetUser (which Terraform's
// provider asks first). Both speak the Query protocol.
//
// An access key of this server is an IAM user of its account; an unsigned
// request of open mode is the account's root.
package stsapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/cumulog/cumulog/internal/edge/awshttp"
	"github.com/cumulog/cumulog/internal/edge/awsproto"
	"github.com/cumulog/cumulog/internal/logs"
)

// Services returns the Query services, for awshttp.NewQueryHandler. started
// is the creation date that IAM users have.
func Services(started time.Time) []awshttp.QueryService {
	iam := &iam{created: started.UTC().Format(time.RFC3339)}
	return []awshttp.QueryService{
		{
			SigningName: "sts",
			Version:     "2011-06-15",
			Namespace:   "https://sts.amazonaws.com/doc/2011-06-15/",
			Operations:  map[string]awshttp.QueryOperation{"GetCallerIdentity": getCallerIdentity},
		},
		{
			SigningName: "iam",
			Version:     "2010-05-08",
			Namespace:   "https://iam.amazonaws.com/doc/2010-05-08/",
			Operations:  map[string]awshttp.QueryOperation{"GetUser": iam.getUser},
		},
	}
}

// principal is who the caller is.
type principal struct{ arn, id, name string }

func principalOf(c awshttp.Caller) principal {
	prefix := "arn:" + logs.Partition(c.Scope.Region) + ":iam::" + c.Scope.Account + ":"
	if c.AccessKey == "" {
		return principal{arn: prefix + "root", id: c.Scope.Account, name: "root"}
	}
	return principal{arn: prefix + "user/" + c.AccessKey, id: userID(c.AccessKey), name: c.AccessKey}
}

// userID derives a stable id of the form that IAM gives users: AIDA and 17
// upper-case letters or digits.
func userID(accessKey string) string {
	var b strings.Builder
	b.WriteString("AIDA")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	hash := uint64(14695981039346656037) // FNV-1a
	for i := range 17 {
		for _, c := range []byte(accessKey) {
			hash = (hash ^ uint64(c)) * 1099511628211
		}
		hash = (hash ^ uint64(i)) * 1099511628211
		b.WriteByte(alphabet[hash>>59])
	}
	return b.String()
}

func getCallerIdentity(ctx context.Context, _ *awsproto.Form, dst []byte) ([]byte, error) {
	c := awshttp.CallerFrom(ctx)
	p := principalOf(c)
	dst = awsproto.AppendXMLElement(dst, "Arn", p.arn)
	dst = awsproto.AppendXMLElement(dst, "UserId", p.id)
	return awsproto.AppendXMLElement(dst, "Account", c.Scope.Account), nil
}

type iam struct{ created string }

// getUser describes the caller. Other users are not found: there is no user
// directory.
func (i *iam) getUser(ctx context.Context, form *awsproto.Form, dst []byte) ([]byte, error) {
	p := principalOf(awshttp.CallerFrom(ctx))
	if name := form.Get("UserName"); name != "" && name != p.name {
		return nil, &awsproto.Error{
			Code:    "NoSuchEntity",
			Message: "The user with name " + name + " cannot be found.",
			Status:  http.StatusNotFound,
		}
	}
	dst = append(dst, "<User>"...)
	dst = awsproto.AppendXMLElement(dst, "Path", "/")
	if p.name != "root" {
		dst = awsproto.AppendXMLElement(dst, "UserName", p.name)
	}
	dst = awsproto.AppendXMLElement(dst, "UserId", p.id)
	dst = awsproto.AppendXMLElement(dst, "Arn", p.arn)
	dst = awsproto.AppendXMLElement(dst, "CreateDate", i.created)
	return append(dst, "</User>"...), nil
}
