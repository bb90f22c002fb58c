import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import org.codelibs.opensearch.runner.OpenSearchRunner;
import org.opensearch.http.HttpServerTransport;

/**
 * One OpenSearch node that listens on 127.0.0.1 only, and ends when its standard input does.
 *
 * Arguments: its folder, its HTTP port (0: a free one), its name; then "discard" if the folder is to go when its
 * input ends. Prints "ready" and its port once it answers.
 * `make opensearch` compiles this.
 */
public class Node {
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        int port = Integer.parseInt(arguments[1]);
        PrintStream out = System.out; // the node gives its own to its log
        writeLogging(folder);
        OpenSearchRunner runner = new OpenSearchRunner() {
            @Override
            protected int getAvailableHttpPort(int number) {
                return port; // the runner would take none above 9299
            }
        };
        runner.onBuild((number, settings) -> {
            settings.put("network.host", "127.0.0.1");
            settings.put("http.port", String.valueOf(port));
            settings.put("transport.port", "0");
            settings.put("discovery.type", "single-node");
            settings.put("cluster.name", "sluice");
            settings.put("node.name", arguments[2]);
            // A laptop's disk is often nearly full, and a node that refuses to write then helps nobody.
            settings.put("cluster.routing.allocation.disk.threshold_enabled", false);
            settings.put("action.auto_create_index", true);
            settings.put("http.max_content_length", "100mb");
            settings.put("node.processors", 2);
        });
        Thread ending = new Thread(() -> {
            try {
                while (System.in.read() != -1) {}
            } catch (IOException gone) {
                // the same as its end
            }
            if (arguments.length > 3 && arguments[3].equals("discard")) {
                discard(folder);
            }
            Runtime.getRuntime().halt(0);
        });
        ending.setDaemon(true);
        ending.start();
        try {
            runner.build(OpenSearchRunner.newConfigs().basePath(folder.toString()).numOfNode(1));
        } catch (Throwable error) { // its threads would keep the process, and the parent waiting
            System.err.println("the node cannot start: " + error);
            Runtime.getRuntime().halt(1);
        }
        HttpServerTransport http = runner.node().injector().getInstance(HttpServerTransport.class);
        out.println("ready " + http.boundAddress().publishAddress().getPort());
        out.flush();
        Thread.currentThread().join();
    }

    /** Nobody else is left to do it. */
    private static void discard(Path folder) {
        try (Stream<Path> found = Files.walk(folder)) {
            found.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        } catch (IOException | UncheckedIOException gone) {
            // the node still writes and deletes: what is left is little
        }
    }

    /** Warnings to standard error, where a parent listens. */
    private static void writeLogging(Path folder) throws IOException {
        Path config = Files.createDirectories(folder.resolve("node_1").resolve("config"));
        Files.writeString(config.resolve("log4j2.properties"), String.join("\n",
            "appender.console.type = Console",
            "appender.console.name = console",
            "appender.console.target = SYSTEM_ERR",
            "appender.console.layout.type = PatternLayout",
            "appender.console.layout.pattern = %p %c{1} %m%n",
            "rootLogger.level = warn",
            "rootLogger.appenderRef.console.ref = console"));
    }
}
