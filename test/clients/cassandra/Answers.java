import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.cassandra.config.DatabaseDescriptor;
import org.apache.cassandra.cql3.CQL3Type;
import org.apache.cassandra.cql3.CQLFragmentParser;
import org.apache.cassandra.cql3.ColumnIdentifier;
import org.apache.cassandra.cql3.ColumnSpecification;
import org.apache.cassandra.cql3.CqlParser;
import org.apache.cassandra.cql3.QueryOptions;
import org.apache.cassandra.db.marshal.AbstractType;
import org.apache.cassandra.dht.Murmur3Partitioner;
import org.apache.cassandra.dht.RandomPartitioner;
import org.apache.cassandra.dht.Token;
import org.apache.cassandra.locator.AbstractNetworkTopologySnitch;
import org.apache.cassandra.locator.AbstractReplicationStrategy;
import org.apache.cassandra.locator.InetAddressAndPort;
import org.apache.cassandra.locator.NetworkTopologyStrategy;
import org.apache.cassandra.locator.Replica;
import org.apache.cassandra.locator.SimpleStrategy;
import org.apache.cassandra.locator.TokenMetadata;
import org.apache.cassandra.utils.ByteBufferUtil;

/** What Cassandra's own classes say: a question a line, an answer a line, which begins with "!" where they refuse. */
public final class Answers {
    private static final Map<InetAddressAndPort, String[]> PLACES = new HashMap<>();
    private static final AbstractNetworkTopologySnitch SNITCH = new AbstractNetworkTopologySnitch() {
        public String getDatacenter(InetAddressAndPort node) { return PLACES.get(node)[0]; }
        public String getRack(InetAddressAndPort node) { return PLACES.get(node)[1]; }
    };
    private static final List<InetAddressAndPort> NODES = new ArrayList<>();
    private static TokenMetadata ring;

    public static void main(String[] args) throws Exception {
        PrintStream answers = new PrintStream(System.out, false, "UTF-8");
        // Whatever else has something to say says it elsewhere.
        System.setOut(System.err);
        DatabaseDescriptor.clientInitialization(false);
        DatabaseDescriptor.setPartitionerUnsafe(Murmur3Partitioner.instance);
        DatabaseDescriptor.setEndpointSnitch(SNITCH);
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            String answer;
            try {
                answer = answer(line.split(" "));
            } catch (Throwable error) {
                answer = "! " + error.getMessage();
            }
            answers.println(answer.replace('\n', ' ').replace('\r', ' '));
        }
        answers.flush();
        System.exit(0);
    }

    private static String answer(String[] words) throws Exception {
        switch (words[0]) {
            case "statement":
                return CQLFragmentParser.parseAnyUnhandled(CqlParser::query, text(words, 1)) == null ? "!" : "ok";
            case "literal":
                return literal(words[1], text(words, 2));
            case "token": {
                ByteBuffer key = bytes(words, 1);
                return Murmur3Partitioner.instance.getToken(key) + " " + RandomPartitioner.instance.getToken(key);
            }
            case "ring":
                return ring(words);
            case "replicas":
                return replicas(words);
            default:
                return "! no such question";
        }
    }

    private static ByteBuffer bytes(String[] words, int index) {
        return ByteBufferUtil.hexToBytes(words.length > index ? words[index] : "");
    }

    private static String text(String[] words, int index) throws Exception {
        return ByteBufferUtil.string(bytes(words, index), StandardCharsets.UTF_8);
    }

    private static String literal(String name, String text) throws Exception {
        AbstractType<?> type = CQL3Type.Native.valueOf(name.toUpperCase()).getType();
        ColumnSpecification column = new ColumnSpecification("ks", "t", new ColumnIdentifier("c", true), type);
        ByteBuffer value = CQLFragmentParser.parseAny(CqlParser::term, text, "term").prepare("ks", column).bindAndGet(QueryOptions.DEFAULT);
        return ByteBufferUtil.bytesToHex(value);
    }

    /** Nodes as dc:rack:token:token... */
    private static String ring(String[] words) throws Exception {
        NODES.clear();
        List<Set<Token>> tokens = new ArrayList<>();
        for (int i = 1; i < words.length; i++) {
            String[] parts = words[i].split(":");
            InetAddressAndPort node = InetAddressAndPort.getByName("10.0.0." + i);
            PLACES.put(node, parts);
            NODES.add(node);
            Set<Token> own = new HashSet<>();
            for (int each = 2; each < parts.length; each++) own.add(token(parts[each]));
            tokens.add(own);
        }
        ring = new TokenMetadata(SNITCH);
        for (int i = 0; i < NODES.size(); i++) ring.updateNormalTokens(tokens.get(i), NODES.get(i));
        return "ok";
    }

    private static Token token(String text) {
        return new Murmur3Partitioner.LongToken(Long.parseLong(text));
    }

    /** The token, and the options of the keyspace as name=value. */
    private static String replicas(String[] words) {
        Map<String, String> options = new HashMap<>();
        for (int i = 2; i < words.length; i++) options.put(words[i].split("=")[0], words[i].split("=")[1]);
        AbstractReplicationStrategy strategy = options.containsKey("replication_factor")
            ? new SimpleStrategy("ks", ring, SNITCH, options)
            : new NetworkTopologyStrategy("ks", ring, SNITCH, options);
        StringBuilder told = new StringBuilder("nodes");
        for (Replica each : strategy.calculateNaturalReplicas(token(words[1]), ring)) told.append(' ').append(NODES.indexOf(each.endpoint()));
        return told.toString();
    }
}
