import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.AbstractTransaction;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.Response;
import redis.clients.jedis.Transaction;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.params.SetParams;
import redis.clients.jedis.params.XAddParams;
import redis.clients.jedis.resps.ScanResult;
import redis.clients.jedis.resps.Tuple;

/** What jedis does, on the port given: {@code FunctionalJedis PORT RESP}. */
final class FunctionalJedis {
  static HostAndPort address;
  static RedisProtocol protocol;

  static DefaultJedisClientConfig.Builder config() {
    return DefaultJedisClientConfig.builder().protocol(protocol).socketTimeoutMillis(10_000);
  }

  static Jedis connect() {
    return new Jedis(address, config().build());
  }

  /** A subscriber that keeps what it hears. */
  static final class Ears extends JedisPubSub {
    final LinkedBlockingQueue<String> heard = new LinkedBlockingQueue<>();

    @Override
    public void onMessage(String channel, String message) {
      heard.add(channel + " " + message);
    }

    @Override
    public void onPMessage(String pattern, String channel, String message) {
      heard.add(pattern + " " + channel + " " + message);
    }

    @Override
    public void onSubscribe(String channel, int count) {
      heard.add("subscribed " + channel + " " + count);
    }

    @Override
    public void onUnsubscribe(String channel, int count) {
      heard.add("unsubscribed " + channel + " " + count);
    }

    String next() throws InterruptedException {
      return heard.poll(5, TimeUnit.SECONDS);
    }
  }

  public static void main(String[] args) {
    address = new HostAndPort("127.0.0.1", Integer.parseInt(args[0]));
    protocol = args[1].equals("3") ? RedisProtocol.RESP3 : RedisProtocol.RESP2;
    Jedis r = connect();
    Cases cases = new Cases();

    cases.add("strings", () -> {
      Cases.same(r.set("k", "v", SetParams.setParams().ex(100)), "OK");
      Cases.same(r.get("k"), "v");
      Cases.same(r.get("nothing"), null);
      Cases.same(r.mset("a", "1", "b", "2"), "OK");
      Cases.same(r.mget("a", "nothing", "b"), Arrays.asList("1", null, "2"));
      Cases.same(r.incrBy("a", 41), 42L);
      Cases.same(r.ttl("k") > 0, true);
      Cases.same(r.setnx("k", "w"), 0L);
    });
    cases.add("collections", () -> {
      Cases.same(r.hset("h", Map.of("a", "1", "b", "2")), 2L);
      Cases.same(r.hgetAll("h"), Map.of("a", "1", "b", "2"));
      Cases.same(r.hgetAll("nothing"), Map.of());
      Cases.same(r.rpush("l", "a", "b", "c"), 3L);
      Cases.same(r.lrange("l", 0, -1), List.of("a", "b", "c"));
      Cases.same(r.sadd("s", "a", "b"), 2L);
      Cases.same(new HashSet<>(r.smembers("s")), Set.of("a", "b"));
      Cases.same(r.zadd("z", Map.of("a", 1.5, "b", 2.0)), 2L);
      Cases.same(r.zrangeWithScores("z", 0, -1), List.of(new Tuple("a", 1.5), new Tuple("b", 2.0)));
      Cases.same(r.xadd("x", XAddParams.xAddParams().id("1-1"), Map.of("f", "v")).toString(), "1-1");
      Cases.same(r.xlen("x"), 1L);
      Cases.same(r.pfadd("p", "a"), 1L);
    });
    cases.add("pipelines", () -> {
      Pipeline pipe = r.pipelined();
      List<Response<String>> gets = new java.util.ArrayList<>();
      for (int i = 0; i < 1000; i++) {
        pipe.set("k" + i, "" + i);
        gets.add(pipe.get("k" + i));
      }
      pipe.sync();
      for (int i = 0; i < 1000; i++) Cases.same(gets.get(i).get(), "" + i);
      pipe.set("s", "v");
      Response<Long> wrong = pipe.lpush("s", "x");
      Response<String> last = pipe.get("s");
      pipe.sync();
      Cases.fails("WRONGTYPE", wrong::get);
      Cases.same(last.get(), "v");
    });
    cases.add("transactions", () -> {
      Transaction one = r.multi();
      one.set("k", "1");
      one.incr("k");
      Cases.same(one.exec(), List.of("OK", 2L));
      r.watch("k");
      try (Jedis other = connect()) {
        other.set("k", "10");
      }
      Transaction two = r.multi();
      two.set("k", "3");
      Cases.same(two.exec(), null);
      Cases.same(r.get("k"), "10");
      Transaction three = r.multi();
      three.set("s", "x");
      Response<Long> wrong = three.incr("s");
      three.exec();
      Cases.fails("not an integer", wrong::get);
      Transaction four = r.multi();
      four.set("k", "never");
      four.discard();
      Cases.same(r.get("k"), "10");
    });
    cases.add("blocking", () -> {
      LinkedBlockingQueue<List<String>> got = new LinkedBlockingQueue<>();
      new Thread(() -> {
        try (Jedis waiting = connect()) {
          got.add(waiting.blpop(5, "q"));
        }
      }).start();
      Cases.eventually(() -> r.clientList().contains("cmd=blpop"));
      Cases.same(r.rpush("q", "x"), 1L);
      Cases.same(got.poll(5, TimeUnit.SECONDS), List.of("q", "x"));
      Cases.same(r.blpop(0.05, "nothing"), null);
    });
    cases.add("publish and subscribe", () -> {
      Ears ears = new Ears();
      Jedis subscriber = connect();
      Thread listener = new Thread(() -> subscriber.subscribe(ears, "c", "d"));
      listener.start();
      Cases.same(ears.next(), "subscribed c 1");
      Cases.same(ears.next(), "subscribed d 2");
      Cases.same(r.publish("c", "one"), 1L);
      Cases.same(ears.next(), "c one");
      ears.psubscribe("p*");
      Cases.eventually(() -> r.publish("pp", "two") == 1L);
      Cases.same(ears.next(), "p* pp two");
      ears.unsubscribe();
      ears.punsubscribe();
      Cases.same(ears.next().startsWith("unsubscribed"), true);
      listener.join(5000);
      Cases.same(r.publish("c", "nobody"), 0L);
      Cases.same(subscriber.set("k", "v"), "OK");
      Cases.same(subscriber.get("k"), "v");
      subscriber.close();
    });
    cases.add("scripts", () -> {
      String sha = r.scriptLoad("return {KEYS[1], ARGV[1] * 2}");
      Cases.same(r.evalsha(sha, 1, "k", "21"), List.of("k", 42L));
      Cases.same(r.eval("return redis.call('incr', KEYS[1])", 1, "n"), 1L);
      Cases.fails("NOSCRIPT", () -> r.evalsha("0".repeat(40), 0));
      Cases.same(r.functionLoadReplace("#!lua name=lib\nredis.register_function('f', function(k, a) return a[1] end)"), "lib");
      Cases.same(r.fcall("f", List.of(), List.of("x")), "x");
      Cases.same(r.functionFlush(), "OK");
    });
    cases.add("databases and names", () -> {
      try (Jedis third = new Jedis(address, config().database(3).clientName("me").build())) {
        Cases.same(third.set("k", "three"), "OK");
        Cases.same(r.get("k"), null);
        Cases.same(third.get("k"), "three");
        Cases.same(third.clientGetname(), "me");
        Cases.same(third.select(0), "OK");
        Cases.same(third.get("k"), null);
        Cases.fails("DB index is out of range", () -> third.select(99));
      }
      Cases.fails("WRONGPASS", () -> new Jedis(address, config().user("nobody").password("x").build()).ping());
    });
    cases.add("large and binary", () -> {
      for (int size : new int[] {0, 1, 65536, 1 << 20, 16 << 20}) {
        byte[] value = new byte[size];
        new Random(size).nextBytes(value);
        Cases.same(r.set("large".getBytes(), value), "OK");
        Cases.same(Arrays.equals(r.get("large".getBytes()), value), true);
      }
      byte[] key = {0, 13, 10, 36, 42, -1};
      Cases.same(r.set(key, key), "OK");
      Cases.same(Arrays.equals(r.get(key), key), true);
    });
    cases.add("scans", () -> {
      Pipeline pipe = r.pipelined();
      for (int i = 0; i < 500; i++) pipe.set("scan:" + i, "" + i);
      pipe.sync();
      Set<String> keys = new HashSet<>();
      String cursor = ScanParams.SCAN_POINTER_START;
      do {
        ScanResult<String> page = r.scan(cursor, new ScanParams().match("scan:*").count(50));
        keys.addAll(page.getResult());
        cursor = page.getCursor();
      } while (!cursor.equals(ScanParams.SCAN_POINTER_START));
      Cases.same(keys.size(), 500);
    });
    cases.add("errors and questions", () -> {
      r.set("k", "v");
      Cases.fails("WRONGTYPE", () -> r.lpush("k", "x"));
      Cases.fails("unknown command", () -> r.sendCommand(() -> "NOPE".getBytes()));
      Cases.fails("unknown command", () -> r.sendCommand(() -> "JSON.GET".getBytes(), "k"));
      Cases.same(r.get("k"), "v");
      Cases.same(r.info("server").contains("redis_version"), true);
      Cases.same(r.waitReplicas(0, 0), 0L);
      Cases.same(r.ping(), "PONG");
    });
    cases.add("a pool and many threads", () -> {
      ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
      try (RedisClient pool = RedisClient.builder().hostAndPort(address).clientConfig(config().build()).build()) {
        Thread[] threads = new Thread[20];
        for (int t = 0; t < threads.length; t++) {
          String key = "thread" + t;
          threads[t] = new Thread(() -> {
            for (int i = 0; i < 100; i++) {
              pool.set(key, key + ":" + i);
              String found = pool.get(key);
              if (!(key + ":" + i).equals(found)) wrong.add(found);
            }
          });
          threads[t].start();
        }
        for (Thread thread : threads) thread.join();
        try (AbstractTransaction transaction = pool.multi()) {
          transaction.incr("n");
          Cases.same(transaction.exec(), List.of(1L));
        }
      }
      Cases.same(wrong.size(), 0);
    });
    cases.runAll(r::flushAll);
    System.exit(0);
  }
}
