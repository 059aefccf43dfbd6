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

var classes = []string{
	"com.shop.order.OrderService", "com.shop.cart.CartRepository", "com.shop.pay.ChargeClient", "com.shop.http.RequestFilter",
	"com.shop.stock.StockListener", "com.shop.auth.TokenVerifier", "com.shop.search.QueryPlanner", "com.shop.mail.Mailer",
}

var frames = []string{
	"com.shop.order.OrderService.place(OrderService.java:", "com.shop.pay.ChargeClient.charge(ChargeClient.java:",
	"com.shop.http.RequestFilter.doFilter(RequestFilter.java:", "com.zaxxer.hikari.pool.HikariPool.getConnection(HikariPool.java:",
	"org.postgresql.core.v3.QueryExecutorImpl.execute(QueryExecutorImpl.java:", "java.base/java.net.Socket.connect(Socket.java:",
	"org.springframework.aop.framework.ReflectiveMethodInvocation.proceed(ReflectiveMethodInvocation.java:",
	"org.apache.catalina.core.ApplicationFilterChain.doFilter(ApplicationFilterChain.java:",
	"java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:", "java.base/java.lang.Thread.run(Thread.java:",
}

var exceptions = []string{
	"java.net.SocketTimeoutException: Read timed out", "java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available",
	"java.lang.IllegalStateException: order is already paid", "java.lang.NullPointerException: Cannot invoke \"String.length()\" because \"name\" is null",
}

var agents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
	"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
	"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
	"curl/8.10.1", "kube-probe/1.31", "python-requests/2.32.3", "Go-http-client/1.1", "okhttp/4.12.0",
}

var referrers = []string{"-", "-", "-", "https://shop.example.com/", "https://shop.example.com/search", "https://www.google.com/", "https://shop.example.com/cart"}
