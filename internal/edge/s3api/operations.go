package s3api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/cumulog/cumulog/internal/service/objects"
)

type operation func(*call) (*reply, error)

// operations holds what is built, by the name of the S3 API.
var operations = map[string]operation{
	"ListBuckets":        listBuckets,
	"CreateBucket":       createBucket,
	"HeadBucket":         headBucket,
	"DeleteBucket":       deleteBucket,
	"GetBucketLocation":  getBucketLocation,
	"ListObjects":        listObjects,
	"ListObjectsV2":      listObjectsV2,
	"ListObjectVersions": listObjectVersions,
	"DeleteObjects":      deleteObjects,

	"PutObject":    putObject,
	"GetObject":    getObject,
	"HeadObject":   headObject,
	"CopyObject":   copyObject,
	"DeleteObject": deleteObject,

	"CreateMultipartUpload":   createMultipartUpload,
	"UploadPart":              uploadPart,
	"UploadPartCopy":          uploadPartCopy,
	"CompleteMultipartUpload": completeMultipartUpload,
	"AbortMultipartUpload":    abortMultipartUpload,
	"ListParts":               listParts,
	"ListMultipartUploads":    listMultipartUploads,

	"GetBucketTagging":      getBucketTagging,
	"PutBucketTagging":      putBucketTagging,
	"DeleteBucketTagging":   deleteBucketTagging,
	"GetBucketPolicy":       getBucketPolicy,
	"GetBucketPolicyStatus": getBucketPolicyStatus,
	"PutBucketPolicy":       putBucketPolicy,
	"DeleteBucketPolicy":    deleteBucketPolicy,

	// Questions about features that no bucket here uses.
	"GetBucketAcl":                       getBucketACL,
	"GetObjectAcl":                       getObjectACL,
	"GetObjectTagging":                   getObjectTagging,
	"GetBucketVersioning":                emptyConfiguration("VersioningConfiguration"),
	"GetBucketLogging":                   emptyConfiguration("BucketLoggingStatus"),
	"GetBucketAccelerateConfiguration":   emptyConfiguration("AccelerateConfiguration"),
	"GetBucketNotificationConfiguration": emptyConfiguration("NotificationConfiguration"),
	"GetBucketRequestPayment":            getBucketRequestPayment,
	"GetBucketCors":                      absent("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
	"GetBucketWebsite":                   absent("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"),
	"GetBucketLifecycleConfiguration":    absent("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
	"GetBucketReplication":               absent("ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
	"GetBucketEncryption":                absent("ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found"),
	"GetObjectLockConfiguration":         absent("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket"),
	"GetPublicAccessBlock":               absent("NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
	"GetBucketOwnershipControls":         absent("OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),

	// There is nothing to delete, which S3 answers with success.
	"DeleteBucketCors":              nothingToDelete,
	"DeleteBucketWebsite":           nothingToDelete,
	"DeleteBucketLifecycle":         nothingToDelete,
	"DeleteBucketReplication":       nothingToDelete,
	"DeleteBucketEncryption":        nothingToDelete,
	"DeletePublicAccessBlock":       nothingToDelete,
	"DeleteBucketOwnershipControls": nothingToDelete,
}

// bucketSubresources and objectSubresources give the noun of each subresource;
// the operation is the verb of the method and the noun.
var bucketSubresources = map[string]string{
	"abac":                  "BucketAbac",
	"accelerate":            "BucketAccelerateConfiguration",
	"acl":                   "BucketAcl",
	"analytics":             "BucketAnalyticsConfiguration",
	"cors":                  "BucketCors",
	"encryption":            "BucketEncryption",
	"intelligent-tiering":   "BucketIntelligentTieringConfiguration",
	"inventory":             "BucketInventoryConfiguration",
	"lifecycle":             "BucketLifecycleConfiguration",
	"location":              "BucketLocation",
	"logging":               "BucketLogging",
	"metadataConfiguration": "BucketMetadataConfiguration",
	"metadataTable":         "BucketMetadataTableConfiguration",
	"metrics":               "BucketMetricsConfiguration",
	"notification":          "BucketNotificationConfiguration",
	"object-lock":           "ObjectLockConfiguration",
	"ownershipControls":     "BucketOwnershipControls",
	"policy":                "BucketPolicy",
	"policyStatus":          "BucketPolicyStatus",
	"publicAccessBlock":     "PublicAccessBlock",
	"replication":           "BucketReplication",
	"requestPayment":        "BucketRequestPayment",
	"session":               "Session",
	"tagging":               "BucketTagging",
	"versioning":            "BucketVersioning",
	"website":               "BucketWebsite",
}

var objectSubresources = map[string]string{
	"acl":          "ObjectAcl",
	"annotation":   "ObjectAnnotation",
	"attributes":   "ObjectAttributes",
	"encryption":   "ObjectEncryption",
	"legal-hold":   "ObjectLegalHold",
	"renameObject": "ObjectRename",
	"restore":      "ObjectRestore",
	"retention":    "ObjectRetention",
	"select":       "ObjectSelectContent",
	"tagging":      "ObjectTagging",
	"torrent":      "ObjectTorrent",
}

var verbs = map[string]string{"GET": "Get", "HEAD": "Get", "PUT": "Put", "DELETE": "Delete", "POST": "Post"}

// route names the operation and finds it.
func (c *call) route() (operation, error) {
	name, err := c.name()
	if err != nil {
		return nil, err
	}
	c.op = name
	op, ok := operations[name]
	if !ok {
		return nil, notImplemented("The operation " + name)
	}
	return op, nil
}

func (c *call) name() (string, error) {
	method := c.r.Method
	if method == http.MethodOptions {
		return "", &apiError{Code: "AccessForbidden", Status: 403, Message: "CORSResponse: CORS is not enabled for this bucket."}
	}
	verb, ok := verbs[method]
	if !ok {
		return "", &apiError{Code: "MethodNotAllowed", Status: 405, Message: "The specified method is not allowed against this resource."}
	}
	if c.bucket == "" {
		switch {
		case c.key != "":
			return "", objects.ErrInvalidBucketName
		case verb == "Get":
			return "ListBuckets", nil
		}
		return "", &apiError{Code: "MethodNotAllowed", Status: 405, Message: "The specified method is not allowed against this resource.",
			Header: http.Header{"Allow": {"GET"}}}
	}
	table := bucketSubresources
	if c.key != "" {
		table = objectSubresources
	}
	for name, noun := range table {
		if !c.query.Has(name) {
			continue
		}
		switch op := verb + noun; op {
		case "DeleteBucketLifecycleConfiguration":
			return "DeleteBucketLifecycle", nil
		case "PostObjectSelectContent":
			return "SelectObjectContent", nil
		case "PostObjectRestore":
			return "RestoreObject", nil
		case "PutObjectRename":
			return "RenameObject", nil
		case "GetSession":
			return "CreateSession", nil
		default:
			return op, nil
		}
	}
	if c.key == "" {
		return c.bucketName(method)
	}
	return c.objectName(method)
}

func (c *call) bucketName(method string) (string, error) {
	switch method {
	case http.MethodGet:
		switch {
		case c.query.Has("uploads"):
			return "ListMultipartUploads", nil
		case c.query.Has("versions"):
			return "ListObjectVersions", nil
		case c.query.Get("list-type") == "2":
			return "ListObjectsV2", nil
		}
		return "ListObjects", nil
	case http.MethodHead:
		return "HeadBucket", nil
	case http.MethodPut:
		return "CreateBucket", nil
	case http.MethodDelete:
		return "DeleteBucket", nil
	}
	if c.query.Has("delete") {
		return "DeleteObjects", nil
	}
	return "PostObject", nil // a browser's form upload
}

func (c *call) objectName(method string) (string, error) {
	source := c.r.Header.Get("X-Amz-Copy-Source") != ""
	upload := c.query.Has("uploadId")
	switch method {
	case http.MethodGet:
		if upload {
			return "ListParts", nil
		}
		return "GetObject", nil
	case http.MethodHead:
		return "HeadObject", nil
	case http.MethodPut:
		switch {
		case (upload || c.query.Has("partNumber")) && source:
			return "UploadPartCopy", nil
		case upload || c.query.Has("partNumber"):
			return "UploadPart", nil
		case source:
			return "CopyObject", nil
		}
		return "PutObject", nil
	case http.MethodDelete:
		if upload {
			return "AbortMultipartUpload", nil
		}
		return "DeleteObject", nil
	}
	switch {
	case c.query.Has("uploads"):
		return "CreateMultipartUpload", nil
	case upload:
		return "CompleteMultipartUpload", nil
	}
	return "", &apiError{Code: "MethodNotAllowed", Status: 405, Message: "The specified method is not allowed against this resource."}
}

// harmless holds, by header, the values that ask for what is the case anyway.
var harmless = map[string][]string{
	"X-Amz-Acl":                        {"private", "bucket-owner-full-control", "bucket-owner-read"},
	"X-Amz-Object-Ownership":           {"BucketOwnerEnforced"},
	"X-Amz-Storage-Class":              {"STANDARD"},
	"X-Amz-Tagging-Directive":          {"COPY"},
	"X-Amz-Bucket-Object-Lock-Enabled": {"false", "False"},
}

// refuseUnsupported refuses headers that ask for a feature that is not here.
func (c *call) refuseUnsupported() error {
	for name, values := range c.r.Header {
		rest, ok := strings.CutPrefix(name, "X-Amz-")
		if !ok {
			continue
		}
		allowed, known := harmless[name]
		if known {
			for _, v := range values {
				fine := false
				for _, a := range allowed {
					fine = fine || a == v
				}
				if !fine {
					return notImplemented("The value " + strconv.Quote(v) + " of the header " + strings.ToLower(name))
				}
			}
			continue
		}
		switch {
		case strings.HasPrefix(rest, "Server-Side-Encryption"), strings.HasPrefix(rest, "Copy-Source-Server-Side-Encryption"),
			strings.HasPrefix(rest, "Grant-"), strings.HasPrefix(rest, "Object-Lock-"), rest == "Tagging",
			rest == "Website-Redirect-Location", rest == "Write-Offset-Bytes", rest == "If-Match-Size",
			rest == "If-Match-Last-Modified-Time", rest == "Mfa":
			return notImplemented("The header " + strings.ToLower(name))
		}
	}
	if v := c.query.Get("versionId"); v != "" && v != "null" {
		return &apiError{Code: "NoSuchVersion", Status: 404, Message: "The specified version does not exist.", Extra: [][2]string{{"VersionId", v}}}
	}
	return nil
}
