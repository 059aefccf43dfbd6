package corpus

var applications = []string{"order-service", "order-service", "order-service", "payment-service", "stock-service", "cart-service"}

// Statements are LOGGER|TEXT with {kinds} of values; loggers without packages are of the Python worker. The first are the most
// common ones.
var infoStatements = []string{
	"com.shop.web.RequestLogger|{method} {path} -> {status} took {ms} ms",
	"com.shop.order.OrderService|Order {order} placed by user {user}, {small} items, total {amount} EUR",
	"com.shop.order.OrderStateMachine|Order {order}: PAYMENT_PENDING -> PAID",
	"com.shop.kafka.StockListener|Received StockReserved{order={order}, sku={sku}} from stock-events-{small}@{offset}",
	"worker.tasks|Task mail.send[{uuid}] received",
	"worker.tasks|Task mail.send[{uuid}] succeeded in 0.{ms}s: None",
	"com.shop.pay.client.ChargeClient|POST https://api.payments.example.net/v1/charges -> {status} took {ms} ms, idempotency-key={uuid}",
	"com.shop.cache.CatalogCache|Cache miss for {key}, loading from database",
	"com.shop.auth.TokenVerifier|Session {hex} renewed for user {user} from {ip}",
	"com.shop.stock.ReservationService|Reserved {small} x {sku} for order {order} in warehouse FRA{small}",
	"com.shop.cart.CartRepository|Cart {uuid} saved with {small} lines, version {n}",
	"com.shop.order.OrderService|Order {order} shipped with DHL, tracking number JJD0{order}{user}",
	"com.shop.outbox.OutboxPublisher|Published {n} messages to topic order-events, took {ms} ms",
	"com.shop.search.QueryPlanner|Query for user {user} returned {n} of {n} hits, took {ms} ms",
	"com.shop.pricing.PriceEngine|Repriced {sku}: {amount} -> {amount} (rule volume-{small})",
	"com.shop.job.ReconcileJob|Reconciled {n} charges, {small} differ, took {ms} ms",
	"org.apache.kafka.clients.consumer.internals.ConsumerCoordinator|[Consumer clientId=consumer-order-{small}, groupId=order] Successfully joined group with generation Generation{generationId={n}, memberId='consumer-order-{small}-{uuid}', protocol='range'}",
	"worker.images|resized /media/products/{user}/{small}_640.webp in {ms} ms ({n} kB)",
	"worker.export|exported {n} rows to s3://shop-exports/orders/part-{n}.csv.gz",
	"com.shop.web.RequestLogger|{method} {path} -> {status} took {ms} ms (user {user}, session {hex})",
	"com.shop.mail.Mailer|Mail order-confirmation for order {order} accepted by smtp-{small}.example.net, id <{hex}@example.net>",
	"com.shop.feature.FlagService|Flag checkout-v2 is on for user {user} (bucket {n})",
	"com.shop.loyalty.PointsService|User {user} earned {n} points, balance {n}",
	"com.shop.returns.ReturnService|Return RMA-{order} opened for order {order}: size does not fit",
	"com.shop.tax.TaxClient|Rates for DE refreshed, {n} entries",
	"com.shop.fraud.ScoreService|Score of order {order} is 0.{n}, accepted",
	"com.zaxxer.hikari.pool.HikariPool|HikariPool-1 - Pool stats (total={small}, active={small}, idle={small}, waiting=0)",
	"worker.beat|Scheduler: Sending due task cleanup-carts (shop.tasks.cleanup)",
	"com.shop.job.ExpiryJob|Expired {n} carts older than 30 days, took {ms} ms",
	"com.shop.media.ImageClient|Uploaded {n} bytes to bucket shop-media, key products/{user}/{small}.webp, etag \"{hex}{hex}\"",
	"org.springframework.kafka.listener.KafkaMessageListenerContainer|order: partitions assigned: [order-events-{small}, order-events-{small}]",
	"com.shop.ledger.LedgerService|Booked {amount} EUR from 1200-{user} to 4400, entry {uuid}",
	"com.shop.report.ReportJob|Report daily-revenue for shop {small} written, {n} pages, took {ms} ms",
	"com.shop.session.SessionStore|Evicted {n} sessions, {n} remain",
	"worker.tasks|Task stock.sync[{uuid}] retry: Retry in {small}s",
	"com.shop.auth.LoginController|Login of user {user} from {ip} succeeded with passkey",
	"com.shop.grpc.InventoryClient|Channel to {host}:9090 is READY",
	"com.shop.order.OrderService|Order {order} cancelled by user {user}: changed my mind",
}

var warnStatements = []string{
	"com.shop.pay.client.ChargeClient|Retrying charge for order {order} after timeout, attempt {small} of 5, idempotency-key={uuid}",
	"com.zaxxer.hikari.pool.HikariPool|HikariPool-1 - Connection org.postgresql.jdbc.PgConnection@{hex} is nearly used up, {n} threads wait",
	"com.shop.web.RateLimitFilter|Rate limit for {ip} exceeded: {n} requests in 10 s",
	"org.hibernate.engine.jdbc.spi.SqlExceptionHelper|SQL Error: 0, SQLState: 40P01",
	"com.shop.search.QueryPlanner|Slow query took {ms} ms: select p.id, p.sku, p.name from product p join stock s on s.product_id = p.id where p.category_id = {n} and s.available > 0 order by p.rank limit {n}",
	"com.shop.cache.CatalogCache|Serving stale entry {key}, age {n} s",
	"com.shop.stock.ReservationService|Only {small} of {small} x {sku} available for order {order}",
	"worker.tasks|Hard time limit close for task image.resize[{uuid}], {n} s used",
	"com.shop.auth.TokenVerifier|Token of user {user} expired {n} s ago, kid={hex}",
}

var errorStatements = []string{
	"com.shop.web.ErrorHandler|Unhandled exception for {method} {path}, request {uuid}",
	"com.shop.order.OrderService|Order {order} could not be placed for user {user}",
	"org.hibernate.engine.jdbc.spi.SqlExceptionHelper|HikariPool-1 - Connection is not available, request timed out after 3000{small}ms (total=20, active=20, idle=0, waiting={n})",
	"com.shop.pay.client.ChargeClient|Charge for order {order} failed after 5 attempts",
	"com.shop.kafka.StockListener|Message stock-events-{small}@{offset} could not be processed",
	"worker.tasks|Task mail.send[{uuid}] raised unexpected: ConnectionResetError(104, 'Connection reset by peer')",
	"com.shop.outbox.OutboxPublisher|Publishing batch {uuid} failed, {n} messages stay in the outbox",
	"o.a.c.c.C.[.[.[/].[dispatcherServlet]|Servlet.service() for servlet [dispatcherServlet] in context with path [] threw exception",
}

var debugStatements = []string{
	"org.hibernate.SQL|select o1_0.id,o1_0.created_at,o1_0.status,o1_0.total,o1_0.user_id,o1_0.version from orders o1_0 where o1_0.id=?",
	"org.hibernate.SQL|update orders set status=?,total=?,version=? where id=? and version=?",
	"org.hibernate.SQL|insert into outbox (aggregate_id,created_at,payload,type,id) values (?,?,?,?,?)",
	"org.hibernate.orm.jdbc.bind|binding parameter (1:BIGINT) <- [{order}]",
	"org.hibernate.orm.jdbc.bind|binding parameter (2:VARCHAR) <- [{sku}]",
	"org.springframework.web.client.RestTemplate|HTTP POST https://api.payments.example.net/v1/charges",
	"com.shop.cache.CatalogCache|Cache hit for {key}",
	"com.shop.grpc.InventoryClient|OUTBOUND DATA: streamId={n} padding=0 endStream=true length={n}",
}

var ownFrames = []string{
	"com.shop.order.OrderService.place@OrderService", "com.shop.order.OrderService.reserve@OrderService", "com.shop.order.OrderController.create@OrderController",
	"com.shop.pay.client.ChargeClient.charge@ChargeClient", "com.shop.pay.PaymentService.authorize@PaymentService", "com.shop.stock.ReservationService.reserve@ReservationService",
	"com.shop.cart.CartService.checkout@CartService", "com.shop.cart.CartRepository.save@CartRepository", "com.shop.pricing.PriceEngine.total@PriceEngine",
	"com.shop.kafka.StockListener.onMessage@StockListener", "com.shop.outbox.OutboxPublisher.publish@OutboxPublisher", "com.shop.fraud.ScoreService.score@ScoreService",
	"com.shop.loyalty.PointsService.book@PointsService", "com.shop.ledger.LedgerService.post@LedgerService",
}

// proxyFrames are what Spring puts between a caller and a transactional method.
const proxyFrames = "\n\tat java.base/jdk.internal.reflect.DirectMethodHandleAccessor.invoke(DirectMethodHandleAccessor.java:103)" +
	"\n\tat java.base/java.lang.reflect.Method.invoke(Method.java:580)" +
	"\n\tat org.springframework.aop.support.AopUtils.invokeJoinpointUsingReflection(AopUtils.java:355)" +
	"\n\tat org.springframework.aop.framework.ReflectiveMethodInvocation.invokeJoinpoint(ReflectiveMethodInvocation.java:196)" +
	"\n\tat org.springframework.aop.framework.ReflectiveMethodInvocation.proceed(ReflectiveMethodInvocation.java:163)" +
	"\n\tat org.springframework.transaction.interceptor.TransactionAspectSupport.invokeWithinTransaction(TransactionAspectSupport.java:379)" +
	"\n\tat org.springframework.transaction.interceptor.TransactionInterceptor.invoke(TransactionInterceptor.java:119)" +
	"\n\tat org.springframework.aop.framework.ReflectiveMethodInvocation.proceed(ReflectiveMethodInvocation.java:184)" +
	"\n\tat org.springframework.aop.framework.CglibAopProxy$DynamicAdvisedInterceptor.intercept(CglibAopProxy.java:720)"

// webFrames are the ends of traces: a servlet container, a scheduler.
var webFrames = []string{
	"\n\tat org.springframework.web.method.support.InvocableHandlerMethod.doInvoke(InvocableHandlerMethod.java:255)" +
		"\n\tat org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter.handleInternal(RequestMappingHandlerAdapter.java:891)" +
		"\n\tat org.springframework.web.servlet.DispatcherServlet.doDispatch(DispatcherServlet.java:1088)" +
		"\n\tat org.springframework.web.servlet.DispatcherServlet.doService(DispatcherServlet.java:978)" +
		"\n\tat org.springframework.web.servlet.FrameworkServlet.processRequest(FrameworkServlet.java:1014)" +
		"\n\tat jakarta.servlet.http.HttpServlet.service(HttpServlet.java:590)" +
		"\n\tat org.apache.catalina.core.ApplicationFilterChain.internalDoFilter(ApplicationFilterChain.java:195)" +
		"\n\tat org.apache.catalina.core.ApplicationFilterChain.doFilter(ApplicationFilterChain.java:140)" +
		"\n\tat org.springframework.web.filter.OncePerRequestFilter.doFilter(OncePerRequestFilter.java:116)" +
		"\n\tat org.apache.catalina.core.StandardWrapperValve.invoke(StandardWrapperValve.java:167)" +
		"\n\tat org.apache.catalina.core.StandardContextValve.invoke(StandardContextValve.java:90)" +
		"\n\tat org.apache.catalina.valves.ErrorReportValve.invoke(ErrorReportValve.java:93)" +
		"\n\tat org.apache.catalina.connector.CoyoteAdapter.service(CoyoteAdapter.java:344)" +
		"\n\tat org.apache.coyote.http11.Http11Processor.service(Http11Processor.java:389)" +
		"\n\tat org.apache.tomcat.util.net.NioEndpoint$SocketProcessor.doRun(NioEndpoint.java:1741)" +
		"\n\tat org.apache.tomcat.util.threads.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1190)" +
		"\n\tat org.apache.tomcat.util.threads.TaskThread$WrappingRunnable.run(TaskThread.java:63)" +
		"\n\tat java.base/java.lang.Thread.run(Thread.java:1583)",
	"\n\tat org.springframework.scheduling.support.ScheduledMethodRunnable.run(ScheduledMethodRunnable.java:130)" +
		"\n\tat java.base/java.util.concurrent.Executors$RunnableAdapter.call(Executors.java:572)" +
		"\n\tat java.base/java.util.concurrent.FutureTask.runAndReset(FutureTask.java:358)" +
		"\n\tat java.base/java.util.concurrent.ThreadPoolExecutor.runWorker(ThreadPoolExecutor.java:1144)" +
		"\n\tat java.base/java.util.concurrent.ThreadPoolExecutor$Worker.run(ThreadPoolExecutor.java:642)" +
		"\n\tat java.base/java.lang.Thread.run(Thread.java:1583)",
}

var driverFrames = []string{
	"org.postgresql.core.v3.QueryExecutorImpl.receiveErrorResponse@QueryExecutorImpl", "org.postgresql.core.v3.QueryExecutorImpl.processResults@QueryExecutorImpl",
	"org.postgresql.core.v3.QueryExecutorImpl.execute@QueryExecutorImpl", "org.postgresql.jdbc.PgStatement.executeInternal@PgStatement",
	"org.postgresql.jdbc.PgPreparedStatement.executeUpdate@PgPreparedStatement", "com.zaxxer.hikari.pool.HikariPool.createTimeoutException@HikariPool",
	"com.zaxxer.hikari.pool.HikariPool.getConnection@HikariPool", "com.zaxxer.hikari.pool.ProxyPreparedStatement.executeUpdate@ProxyPreparedStatement",
	"org.hibernate.engine.jdbc.internal.ResultSetReturnImpl.executeUpdate@ResultSetReturnImpl", "java.base/sun.nio.ch.NioSocketImpl.timedRead@NioSocketImpl",
	"java.base/java.net.Socket$SocketInputStream.read@Socket", "org.apache.hc.client5.http.impl.classic.InternalHttpClient.doExecute@InternalHttpClient",
}

var exceptions = []string{
	"org.springframework.dao.DataAccessResourceFailureException: Unable to acquire JDBC Connection",
	"org.springframework.dao.CannotAcquireLockException: could not execute statement [ERROR: deadlock detected]",
	"org.springframework.web.client.ResourceAccessException: I/O error on POST request for \"https://api.payments.example.net/v1/charges\": Read timed out",
	"java.lang.IllegalStateException: order is already paid",
	"java.lang.NullPointerException: Cannot invoke \"com.shop.cart.Line.sku()\" because \"line\" is null",
	"org.springframework.orm.ObjectOptimisticLockingFailureException: Row was updated or deleted by another transaction",
	"com.shop.pay.DeclinedException: card was declined (insufficient_funds)", "java.util.concurrent.TimeoutException: no answer within 2000 ms",
}

var causes = []string{
	"org.hibernate.exception.JDBCConnectionException: Unable to acquire JDBC Connection", "java.net.SocketTimeoutException: Read timed out",
	"java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after 30000ms",
	"org.postgresql.util.PSQLException: ERROR: deadlock detected\n  Detail: Process 4711 waits for ShareLock on transaction 88123; blocked by process 4713.",
	"java.io.IOException: Connection reset by peer",
}

// pythonFrames are FILE|FUNCTION|SOURCE.
var pythonFrames = []string{
	"/app/.venv/lib/python3.12/site-packages/celery/app/trace.py|trace_task|R = retval = fun(*args, **kwargs)",
	"/app/.venv/lib/python3.12/site-packages/celery/app/trace.py|__protected_call__|return self.run(*args, **kwargs)",
	"/app/worker/tasks.py|send_mail|client.deliver(message, timeout=TIMEOUT)", "/app/worker/mail.py|deliver|return self.session.sendmail(sender, to, body)",
	"/usr/local/lib/python3.12/smtplib.py|sendmail|(code, resp) = self.data(msg)", "/usr/local/lib/python3.12/socket.py|readinto|return self._sock.recv_into(b)",
	"/app/.venv/lib/python3.12/site-packages/redis/connection.py|read_response|response = self._parser.read_response(disable_decoding=disable_decoding)",
	"/app/worker/images.py|resize|image.thumbnail((width, height), Image.LANCZOS)",
}

var pythonErrors = []string{
	"ConnectionResetError: [Errno 104] Connection reset by peer", "smtplib.SMTPServerDisconnected: Connection unexpectedly closed",
	"redis.exceptions.TimeoutError: Timeout reading from redis-0.redis:6379", "ValueError: cannot identify image file",
}
