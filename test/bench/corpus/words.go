package corpus

var services = []string{
	"checkout", "catalog", "search", "payments", "cart", "identity", "inventory", "shipping", "pricing", "reviews",
	"recommendations", "notifications", "gateway", "media", "ledger", "fraud", "loyalty", "tax", "returns", "reporting",
}

var resources = []string{
	"items", "orders", "users", "carts", "products", "payments", "sessions", "images", "stock", "prices", "reviews", "search",
}

var infoMessages = []string{
	"request completed", "request completed", "request completed", "cache hit", "cache refreshed", "user session renewed",
	"order state changed", "message published", "upstream call finished", "batch committed", "feature flag evaluated",
}

var warnMessages = []string{
	"slow upstream response", "retrying after timeout", "deprecated field in request", "connection pool nearly exhausted",
	"stale cache entry served", "rate limit close for client",
}

var errorMessages = []string{
	"upstream connection refused", "deadline exceeded while calling database", "payment provider declined the charge",
	"could not decode request body", "optimistic lock failed", "connection reset by peer",
}

var regions = []string{"us-east-1", "us-east-1", "eu-west-1", "ap-southeast-2"}

var methods = []string{"GET", "GET", "GET", "GET", "GET", "POST", "POST", "PUT", "DELETE", "PATCH"}
