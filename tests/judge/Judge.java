import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import software.amazon.event.ruler.Machine;

/**
 * Answers which events match a pattern, by the matcher that AWS publishes.
 *
 * Each line of input is {"pattern": "...", "events": ["...", ...]}, each line of output either
 * {"matches": [true, ...]} or {"refused": "why"}.
 */
public class Judge {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        String line;
        while ((line = questions.readLine()) != null) {
            answers.println(JSON.writeValueAsString(answer(JSON.readTree(line))));
        }
    }

    private static ObjectNode answer(JsonNode question) {
        ObjectNode answer = JSON.createObjectNode();
        Machine machine = Machine.builder().build();
        try {
            machine.addRule("it", question.get("pattern").asText());
        } catch (Exception refusal) {
            return answer.put("refused", String.valueOf(refusal.getMessage()));
        }
        ArrayNode matches = answer.putArray("matches");
        for (JsonNode event : question.get("events")) {
            matches.add(matched(machine, event.asText()));
        }
        return answer;
    }

    private static boolean matched(Machine machine, String event) {
        try {
            List<String> rules = machine.rulesForJSONEvent(event);
            return !rules.isEmpty();
        } catch (Exception noJson) {
            return false;
        }
    }
}
