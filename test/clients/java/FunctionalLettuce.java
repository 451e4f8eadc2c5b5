import io.lettuce.core.ClientOptions;
import io.lettuce.core.KeyScanCursor;
import io.lettuce.core.KeyValue;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.ScanCursor;
import io.lettuce.core.ScoredValue;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.SetArgs;
import io.lettuce.core.TransactionResult;
import io.lettuce.core.TrackingArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.ProtocolKeyword;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.lettuce.core.support.caching.CacheAccessor;
import io.lettuce.core.support.caching.CacheFrontend;
import io.lettuce.core.support.caching.ClientSideCaching;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** What lettuce does, on the port given: {@code FunctionalLettuce PORT RESP}. */
final class FunctionalLettuce {
  static RedisURI uri(int port) {
    return RedisURI.builder().withHost("127.0.0.1").withPort(port).withTimeout(Duration.ofSeconds(10)).build();
  }

  static ProtocolKeyword keyword(String name) {
    return new ProtocolKeyword() {
      @Override
      public byte[] getBytes() {
        return name.getBytes();
      }

      @Override
      public String toString() {
        return name;
      }
    };
  }

  public static void main(String[] args) throws Exception {
    int port = Integer.parseInt(args[0]);
    boolean resp3 = args[1].equals("3");
    RedisClient client = RedisClient.create(uri(port));
    client.setOptions(ClientOptions.builder()
        .protocolVersion(resp3 ? ProtocolVersion.RESP3 : ProtocolVersion.RESP2)
        .build());
    StatefulRedisConnection<String, String> connection = client.connect();
    RedisCommands<String, String> r = connection.sync();
    Cases cases = new Cases();

    cases.add("strings", () -> {
      Cases.same(r.set("k", "v", SetArgs.Builder.ex(100)), "OK");
      Cases.same(r.get("k"), "v");
      Cases.same(r.get("nothing"), null);
      Cases.same(r.mset(Map.of("a", "1", "b", "2")), "OK");
      Cases.same(r.mget("a", "nothing").get(1).hasValue(), false);
      Cases.same(r.incrby("a", 41), 42L);
      Cases.same(r.ttl("k") > 0, true);
    });
    cases.add("collections", () -> {
      Cases.same(r.hset("h", Map.of("a", "1", "b", "2")), 2L);
      Cases.same(r.hgetall("h"), Map.of("a", "1", "b", "2"));
      Cases.same(r.hgetall("nothing"), Map.of());
      Cases.same(r.rpush("l", "a", "b", "c"), 3L);
      Cases.same(r.lrange("l", 0, -1), List.of("a", "b", "c"));
      Cases.same(r.sadd("s", "a", "b"), 2L);
      Cases.same(r.smembers("s"), Set.of("a", "b"));
      Cases.same(r.zadd("z", 1.5, "a"), 1L);
      Cases.same(r.zrangeWithScores("z", 0, -1), List.of(ScoredValue.just(1.5, "a")));
      Cases.same(r.xadd("x", new XAddArgs().id("1-1"), Map.of("f", "v")), "1-1");
      Cases.same(r.xread(StreamOffset.from("x", "0")).get(0).getBody(), Map.of("f", "v"));
      Cases.same(r.pfadd("p", "a"), 1L);
    });
    cases.add("a thousand at once", () -> {
      RedisAsyncCommands<String, String> async = connection.async();
      List<RedisFuture<String>> gets = new ArrayList<>();
      for (int i = 0; i < 1000; i++) {
        async.set("k" + i, "" + i);
        gets.add(async.get("k" + i));
      }
      for (int i = 0; i < 1000; i++) Cases.same(gets.get(i).get(5, TimeUnit.SECONDS), "" + i);
    });
    cases.add("transactions", () -> {
      r.multi();
      r.set("k", "1");
      r.incr("k");
      TransactionResult one = r.exec();
      Cases.same(one.get(1), 2L);
      r.watch("k");
      try (StatefulRedisConnection<String, String> other = client.connect()) {
        other.sync().set("k", "10");
      }
      r.multi();
      r.set("k", "3");
      Cases.same(r.exec().wasDiscarded(), true);
      Cases.same(r.get("k"), "10");
      r.multi();
      r.set("k", "never");
      r.discard();
      Cases.same(r.get("k"), "10");
    });
    cases.add("blocking", () -> {
      try (StatefulRedisConnection<String, String> waiting = client.connect()) {
        RedisFuture<KeyValue<String, String>> future = waiting.async().blpop(5, "q");
        Cases.eventually(() -> r.clientList().contains("cmd=blpop"));
        Cases.same(r.rpush("q", "x"), 1L);
        Cases.same(future.get(5, TimeUnit.SECONDS), KeyValue.just("q", "x"));
        Cases.same(waiting.sync().blpop(0.05, "nothing"), null);
      }
    });
    cases.add("publish and subscribe", () -> {
      LinkedBlockingQueue<String> heard = new LinkedBlockingQueue<>();
      try (StatefulRedisPubSubConnection<String, String> subscriber = client.connectPubSub()) {
        subscriber.addListener(new RedisPubSubAdapter<>() {
          @Override
          public void message(String channel, String message) {
            heard.add(channel + " " + message);
          }

          @Override
          public void message(String pattern, String channel, String message) {
            heard.add(pattern + " " + channel + " " + message);
          }
        });
        subscriber.sync().subscribe("c", "d");
        subscriber.sync().psubscribe("p*");
        Cases.same(r.publish("c", "one"), 1L);
        Cases.same(heard.poll(5, TimeUnit.SECONDS), "c one");
        Cases.same(r.publish("pp", "two"), 1L);
        Cases.same(heard.poll(5, TimeUnit.SECONDS), "p* pp two");
        subscriber.sync().unsubscribe("c", "d");
        subscriber.sync().punsubscribe("p*");
        Cases.same(r.publish("c", "nobody"), 0L);
        subscriber.sync().subscribe("c");
        Cases.same(r.publish("c", "again"), 1L);
        Cases.same(heard.poll(5, TimeUnit.SECONDS), "c again");
      }
    });
    cases.add("scripts", () -> {
      String sha = r.scriptLoad("return {KEYS[1], ARGV[1] * 2}");
      Cases.same(r.<List<Object>>evalsha(sha, ScriptOutputType.MULTI, new String[] {"k"}, "21"), List.of("k", 42L));
      Cases.same(r.<Long>eval("return redis.call('incr', KEYS[1])", ScriptOutputType.INTEGER, "n"), 1L);
      Cases.fails("NOSCRIPT", () -> r.evalsha("0".repeat(40), ScriptOutputType.INTEGER));
    });
    cases.add("databases and names", () -> {
      RedisURI third = uri(port);
      third.setDatabase(3);
      third.setClientName("me");
      try (StatefulRedisConnection<String, String> other = client.connect(third)) {
        Cases.same(other.sync().set("k", "three"), "OK");
        Cases.same(r.get("k"), null);
        Cases.same(other.sync().clientGetname(), "me");
        Cases.same(other.sync().select(0), "OK");
        Cases.same(other.sync().get("k"), null);
      }
      RedisURI wrong = RedisURI.builder().withHost("127.0.0.1").withPort(port).withAuthentication("nobody", "x").build();
      Cases.fails("Unable to connect", () -> client.connect(wrong));
    });
    cases.add("large and binary", () -> {
      try (StatefulRedisConnection<byte[], byte[]> binary = client.connect(ByteArrayCodec.INSTANCE)) {
        for (int size : new int[] {0, 1, 65536, 1 << 20, 16 << 20}) {
          byte[] value = new byte[size];
          new Random(size).nextBytes(value);
          Cases.same(binary.sync().set("large".getBytes(), value), "OK");
          Cases.same(Arrays.equals(binary.sync().get("large".getBytes()), value), true);
        }
      }
    });
    cases.add("scans", () -> {
      for (int i = 0; i < 500; i++) connection.async().set("scan:" + i, "" + i);
      Set<String> keys = new HashSet<>();
      KeyScanCursor<String> cursor = r.scan(ScanArgs.Builder.matches("scan:*").limit(50));
      keys.addAll(cursor.getKeys());
      while (!cursor.isFinished()) {
        cursor = r.scan(ScanCursor.of(cursor.getCursor()), ScanArgs.Builder.matches("scan:*").limit(50));
        keys.addAll(cursor.getKeys());
      }
      Cases.same(keys.size(), 500);
    });
    cases.add("errors and questions", () -> {
      r.set("k", "v");
      Cases.fails("WRONGTYPE", () -> r.lpush("k", "x"));
      Cases.fails("unknown command", () -> r.dispatch(keyword("NOPE"), new StatusOutput<>(StringCodec.UTF8)));
      Cases.fails(
          "unknown command",
          () -> r.dispatch(
              keyword("JSON.GET"), new StatusOutput<>(StringCodec.UTF8), new CommandArgs<>(StringCodec.UTF8).addKey("k")));
      Cases.same(r.get("k"), "v");
      Cases.same(r.info("server").contains("redis_version"), true);
      Cases.same(r.waitForReplication(0, 0), 0L);
      Cases.same(r.ping(), "PONG");
    });
    if (resp3) {
      cases.add("a cache of its own", () -> {
        try (StatefulRedisConnection<String, String> caching = client.connect()) {
          Map<String, String> kept = new ConcurrentHashMap<>();
          CacheFrontend<String, String> cache =
              ClientSideCaching.enable(CacheAccessor.forMap(kept), caching, TrackingArgs.Builder.enabled());
          r.set("k", "0");
          for (int i = 0; i < 20; i++) {
            String value = "" + i;
            r.set("k", value);
            Cases.eventually(() -> value.equals(cache.get("k")));
          }
        }
      });
    }
    cases.runAll(r::flushall);
    System.exit(0);
  }
}
