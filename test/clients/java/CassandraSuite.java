import com.datastax.oss.driver.api.core.CqlIdentifier;
import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.CqlSessionBuilder;
import com.datastax.oss.driver.api.core.DefaultConsistencyLevel;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.config.ProgrammaticDriverConfigLoaderBuilder;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchStatementBuilder;
import com.datastax.oss.driver.api.core.cql.BatchableStatement;
import com.datastax.oss.driver.api.core.cql.BoundStatement;
import com.datastax.oss.driver.api.core.cql.BoundStatementBuilder;
import com.datastax.oss.driver.api.core.cql.ColumnDefinition;
import com.datastax.oss.driver.api.core.cql.DefaultBatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import com.datastax.oss.driver.api.core.cql.Row;
import com.datastax.oss.driver.api.core.cql.SimpleStatement;
import com.datastax.oss.driver.api.core.cql.Statement;
import com.datastax.oss.driver.api.core.type.DataType;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.io.FileInputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** The cases of the suite with the Java driver for Cassandra: SETTINGS CASES, both JSON, the second in a file. Prints a line of JSON for each step: what came of it. */
public final class CassandraSuite {
  static final ObjectMapper JSON = new ObjectMapper();
  static final Map<String, CqlSession> SESSIONS = new HashMap<>();
  static JsonNode settings;

  public static void main(String[] args) throws Exception {
    settings = JSON.readTree(args[0]);
    JsonNode cases = JSON.readTree(new File(args[1]));
    CqlSession main = connect(JSON.createObjectNode().put("keyspace", settings.get("keyspace").asText()));
    SESSIONS.put("main", main);
    System.out.println(JSON.createObjectNode().put("version", main.getContext().getProtocolVersion().getCode()));
    for (JsonNode each : cases) {
      int number = 0;
      for (JsonNode step : each.get("steps")) {
        ObjectNode told;
        try {
          told = act(step);
        } catch (Exception error) {
          told = JSON.createObjectNode().put("error", error.getClass().getSimpleName() + ": " + error.getMessage());
        }
        told.put("case", each.get("name").asText()).put("step", number++);
        System.out.println(told);
      }
    }
    for (CqlSession session : SESSIONS.values()) session.close();
    System.exit(0);
  }

  static CqlSession connect(JsonNode of) throws Exception {
    ProgrammaticDriverConfigLoaderBuilder config =
        DriverConfigLoader.programmaticBuilder()
            .withString(DefaultDriverOption.PROTOCOL_VERSION, "V" + settings.get("version").asInt())
            .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, Duration.ofSeconds(60))
            .withDuration(DefaultDriverOption.CONNECTION_INIT_QUERY_TIMEOUT, Duration.ofSeconds(30))
            .withDuration(DefaultDriverOption.CONTROL_CONNECTION_TIMEOUT, Duration.ofSeconds(30))
            .withDuration(DefaultDriverOption.METADATA_SCHEMA_WINDOW, Duration.ofMillis(20))
            .withDuration(DefaultDriverOption.NETTY_ADMIN_SHUTDOWN_QUIET_PERIOD, Duration.ZERO)
            .withDuration(DefaultDriverOption.NETTY_IO_SHUTDOWN_QUIET_PERIOD, Duration.ZERO)
            .withInt(DefaultDriverOption.CONNECTION_MAX_REQUESTS, 2048)
            .withInt(DefaultDriverOption.REQUEST_TRACE_ATTEMPTS, 400)
            .withDuration(DefaultDriverOption.REQUEST_TRACE_INTERVAL, Duration.ofMillis(50))
            .withBoolean(DefaultDriverOption.REQUEST_WARN_IF_SET_KEYSPACE, false);
    if (!settings.get("compression").isNull())
      config.withString(DefaultDriverOption.PROTOCOL_COMPRESSION, settings.get("compression").asText());
    CqlSessionBuilder builder =
        CqlSession.builder()
            .addContactPoint(new InetSocketAddress(settings.get("host").asText(), settings.get("port").asInt()))
            .withLocalDatacenter(settings.get("datacenter").asText())
            .withConfigLoader(config.build());
    JsonNode user = of.has("user") ? of.get("user") : settings.get("user");
    JsonNode password = of.has("password") ? of.get("password") : settings.get("password");
    if (!user.isNull()) builder.withAuthCredentials(user.asText(), password.asText());
    if (!settings.get("authority").isNull()) builder.withSslContext(tls(settings.get("authority").asText()));
    if (of.has("keyspace")) builder.withKeyspace(CqlIdentifier.fromInternal(of.get("keyspace").asText()));
    return builder.build();
  }

  static SSLContext tls(String authority) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null);
    try (FileInputStream file = new FileInputStream(authority)) {
      store.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(file));
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  static ObjectNode act(JsonNode step) throws Exception {
    CqlSession session = SESSIONS.get(step.has("on") ? step.get("on").asText() : "main");
    switch (step.get("do").asText()) {
      case "run":
        return execute(session, statement(session, step), step);
      case "copy":
        return execute(session, copy(session, step), step);
      case "batch":
        BatchStatementBuilder batch = BatchStatement.builder(DefaultBatchType.valueOf(step.get("kind").asText().toUpperCase()));
        for (JsonNode asked : step.get("statements")) batch.addStatement((BatchableStatement<?>) statement(session, asked));
        return execute(session, batch.build(), step);
      case "many":
        return many(step);
      case "event":
        return event(session, step);
      case "open":
        SESSIONS.put(step.get("name").asText(), connect(step));
        return JSON.createObjectNode();
      default:
        CqlSession closed = SESSIONS.remove(step.get("name").asText());
        if (closed != null) closed.close();
        return JSON.createObjectNode();
    }
  }

  static Statement<?> statement(CqlSession session, JsonNode asked) {
    String cql = asked.get("cql").asText();
    if (!asked.has("values") && !asked.has("prepare")) return SimpleStatement.newInstance(cql);
    return bind(session.prepare(cql), asked, 0);
  }

  static BoundStatement bind(PreparedStatement prepared, JsonNode asked, int i) {
    BoundStatementBuilder bound = prepared.boundStatementBuilder();
    int at = 0;
    if (asked.has("values")) {
      for (JsonNode value : asked.get("values")) {
        DataType type = prepared.getVariableDefinitions().get(at).getType();
        bound = set(bound, at++, type, value, i);
      }
    }
    return bound.build();
  }

  static BoundStatementBuilder set(BoundStatementBuilder bound, int at, DataType type, JsonNode value, int i) {
    if (value.isNull()) return bound.setToNull(at);
    if (value.isObject()) return bound.setByteBuffer(at, blob(value.get("blob").asInt()));
    String text = value.asText().replace("$i", String.valueOf(i));
    if (value.isTextual() && !value.asText().equals("$i")) return bound.setString(at, text);
    return bound.set(at, bound.codecRegistry().codecFor(type).parse(text), (com.datastax.oss.driver.api.core.type.codec.TypeCodec<Object>) bound.codecRegistry().codecFor(type));
  }

  /** Bytes that do not compress, the same in each language, in blocks that repeat. */
  static ByteBuffer blob(int size) {
    byte[] bytes = new byte[size];
    long x = 1;
    for (int i = 0; i < size; i++) {
      if (i < 65537) {
        x = (x * 1103515245L + 12345L) & 0x7fffffffL;
        bytes[i] = (byte) (x >> 16);
      } else bytes[i] = bytes[i - 65537];
    }
    return ByteBuffer.wrap(bytes);
  }

  static Statement<?> copy(CqlSession session, JsonNode step) {
    Row row = session.execute(step.get("select").asText()).one();
    BoundStatementBuilder bound = session.prepare(step.get("insert").asText()).boundStatementBuilder();
    for (int at = 0; at < row.size(); at++) {
      com.datastax.oss.driver.api.core.type.codec.TypeCodec<Object> codec = row.codecRegistry().codecFor(row.getType(at));
      bound = bound.set(at, row.get(at, codec), codec);
    }
    return bound.build();
  }

  @SuppressWarnings("unchecked")
  static ObjectNode execute(CqlSession session, Statement<?> plain, JsonNode step) throws Exception {
    Statement<?> statement = plain;
    if (step.has("consistency"))
      statement = statement.setConsistencyLevel(DefaultConsistencyLevel.valueOf(step.get("consistency").asText()));
    if (step.has("page")) statement = statement.setPageSize(step.get("page").asInt());
    if (step.has("timestamp")) statement = statement.setQueryTimestamp(step.get("timestamp").asLong());
    if (step.has("trace")) statement = statement.setTracing(true);
    if (step.has("payload")) {
      Map<String, ByteBuffer> payload = new HashMap<>();
      step.get("payload").fields().forEachRemaining(entry -> payload.put(entry.getKey(), ByteBuffer.wrap(entry.getValue().asText().getBytes(StandardCharsets.UTF_8))));
      statement = statement.setCustomPayload(payload);
    }
    ObjectNode told = JSON.createObjectNode();
    ArrayNode rows = told.putArray("rows");
    ArrayNode pages = told.putArray("pages");
    while (true) {
      AsyncResultSet result = session.executeAsync(statement).toCompletableFuture().get();
      int count = 0;
      for (Row row : result.currentPage()) {
        rows.add(rowText(row));
        count++;
      }
      pages.add(count);
      ArrayNode warnings = told.putArray("warnings");
      result.getExecutionInfo().getWarnings().forEach(warnings::add);
      ObjectNode payload = told.putObject("payload");
      result.getExecutionInfo().getIncomingPayload().forEach((key, value) -> payload.put(key, hex(value)));
      told.put("agreed", result.getExecutionInfo().isSchemaInAgreement());
      if (step.has("trace")) told.put("traced", !result.getExecutionInfo().getQueryTrace().getEvents().isEmpty());
      ByteBuffer state = result.getExecutionInfo().getPagingState();
      if (state == null || !step.has("page")) return told;
      statement = statement.setPagingState(state);
    }
  }

  static String hex(ByteBuffer bytes) {
    byte[] copied = new byte[bytes.remaining()];
    bytes.duplicate().get(copied);
    return HexFormat.of().formatHex(copied);
  }

  static String rowText(Row row) throws Exception {
    List<String> columns = new ArrayList<>();
    for (int at = 0; at < row.size(); at++) {
      ColumnDefinition column = row.getColumnDefinitions().get(at);
      ByteBuffer bytes = row.getBytesUnsafe(at);
      String text = bytes != null && bytes.remaining() > 2000 ? bytes.remaining() + " bytes " + digest(hex(bytes)) : format(row, at);
      columns.add(column.getName() + ":" + column.getType() + "=" + text);
    }
    return String.join(" ", columns);
  }

  static String format(Row row, int at) {
    com.datastax.oss.driver.api.core.type.codec.TypeCodec<Object> codec = row.codecRegistry().codecFor(row.getType(at));
    return codec.format(row.get(at, codec));
  }

  static String digest(String text) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  static ObjectNode many(JsonNode step) throws Exception {
    List<CqlSession> sessions = new ArrayList<>();
    List<PreparedStatement> prepared = new ArrayList<>();
    for (JsonNode name : step.get("sessions")) sessions.add(SESSIONS.get(name.asText()));
    for (CqlSession session : sessions) prepared.add(session.prepare(step.get("cql").asText()));
    List<CompletionStage<AsyncResultSet>> asked = new ArrayList<>();
    for (int i = 0; i < step.get("count").asInt(); i++) {
      int at = i % sessions.size();
      asked.add(sessions.get(at).executeAsync(bind(prepared.get(at), step, i)));
    }
    ObjectNode told = JSON.createObjectNode();
    StringBuilder all = new StringBuilder();
    for (CompletionStage<AsyncResultSet> one : asked)
      for (Row row : one.toCompletableFuture().get().currentPage()) {
        String text = rowText(row);
        if (all.length() == 0) told.putArray("rows").add(text);
        all.append(text).append('\n');
      }
    return told.put("digest", digest(all.toString()));
  }

  static ObjectNode event(CqlSession session, JsonNode step) throws Exception {
    try (CqlSession other = connect(JSON.createObjectNode().put("keyspace", settings.get("keyspace").asText()))) {
      other.execute(step.get("cql").asText());
      for (long deadline = System.nanoTime() + 20_000_000_000L; System.nanoTime() < deadline; Thread.sleep(20))
        if (session.getMetadata().getKeyspace(CqlIdentifier.fromInternal(settings.get("keyspace").asText())).get().getTable(step.get("table").asText()).isPresent())
          return JSON.createObjectNode();
      throw new IllegalStateException("no event");
    }
  }
}
