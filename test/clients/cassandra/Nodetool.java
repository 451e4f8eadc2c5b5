import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import org.apache.cassandra.tools.NodeProbe;

/** What `nodetool` asks of nodes, without a process for each question: a question a line, its words separated by tabs, and an answer a line, which begins with "!" where it is refused. */
public final class Nodetool {
    public static void main(String[] args) throws Exception {
        PrintStream answers = new PrintStream(System.out, false, "UTF-8");
        System.setOut(System.err);
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            String answer;
            try {
                answer = answer(line.split("\t", -1));
            } catch (Throwable error) {
                answer = "! " + error;
            }
            answers.println(answer.replace('\n', ' ').replace('\r', ' '));
            answers.flush();
        }
        System.exit(0);
    }

    private static NodeProbe probe;
    private static String port;

    private static String answer(String[] words) throws Exception {
        if (!words[0].equals(port)) {
            probe = new NodeProbe("127.0.0.1", Integer.parseInt(words[0]));
            port = words[0];
        }
        switch (words[1]) {
            case "getendpoints":
                return String.join(" ", probe.getEndpointsWithPort(words[2], words[3], words[4]));
            case "describering":
                return String.join(" ", probe.describeRing(words[2], true));
            case "decommission":
                probe.decommission(true);
                return "";
            case "removenode":
                probe.removeNode(words[2]);
                return "";
            case "livenodes":
                return String.join(" ", probe.getLiveNodes(true));
            default:
                throw new IllegalArgumentException(words[1]);
        }
    }
}
