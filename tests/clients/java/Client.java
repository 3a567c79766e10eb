import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** One task with the Java client: java -cp CLASSES:JARS Client TASK ARGUMENTS; prints its result as JSON. */
public class Client {
    static final ObjectMapper JSON = new ObjectMapper();
    static JsonNode asked;

    interface Task {
        Object run() throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        asked = JSON.readTree(arguments[1]);
        Map<String, Task> tasks = Map.of(
            "produce", Client::produce,
            "consume", Client::consume,
            "administer", Client::administer,
            "deleteRecords", Client::deleteRecords,
            "transact", Client::transact);
        try {
            System.out.println(JSON.writeValueAsString(tasks.get(arguments[0]).run()));
        } catch (Exception error) {
            for (Throwable cause = error; cause != null; cause = cause.getCause()) {
                System.err.println(cause);
            }
            System.exit(1);
        }
        System.exit(0);
    }

    static String text(String name) {
        return asked.get(name).asText();
    }

    static Properties settings(String... pairs) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", text("bootstrap"));
        settings.put("request.timeout.ms", "10000");
        settings.put("default.api.timeout.ms", "15000");
        for (int i = 0; i < pairs.length; i += 2) {
            settings.put(pairs[i], pairs[i + 1]);
        }
        return settings;
    }

    static KafkaProducer<String, String> producer(String... pairs) {
        return new KafkaProducer<>(settings(pairs), new StringSerializer(), new StringSerializer());
    }

    static Object produce() throws Exception {
        List<Long> offsets = new ArrayList<>();
        try (var producer = producer("compression.type", text("codec"), "enable.idempotence", "true")) {
            for (JsonNode message : asked.get("messages")) {
                var produced = new ProducerRecord<>(
                    text("topic"), message.get("key").asText(), message.get("value").asText());
                for (var header : message.get("headers").properties()) {
                    produced.headers().add(header.getKey(), header.getValue().asText().getBytes("UTF-8"));
                }
                offsets.add(producer.send(produced).get().offset());
            }
        }
        return offsets;
    }

    static Object consume() throws Exception {
        Properties settings = settings(
            "group.id", text("group"), "auto.offset.reset", "earliest", "enable.auto.commit", "false",
            "group.protocol", asked.path("protocol").asText("classic"));
        List<Object> taken = new ArrayList<>();
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(text("topic")));
            long deadline = System.currentTimeMillis() + 20_000;
            while (taken.size() < asked.get("count").asInt() && System.currentTimeMillis() < deadline) {
                for (var message : consumer.poll(Duration.ofMillis(200))) {
                    if (taken.size() < asked.get("count").asInt()) {
                        taken.add(printable(message));
                    }
                    if (taken.size() == asked.get("commit").asInt()) {
                        consumer.commitSync(Map.of(
                            new TopicPartition(message.topic(), message.partition()),
                            new OffsetAndMetadata(message.offset() + 1)));
                    }
                }
            }
        }
        return taken;
    }

    static Map<String, Object> printable(ConsumerRecord<String, String> message) throws Exception {
        Map<String, Object> shown = new HashMap<>();
        Map<String, String> headers = new HashMap<>();
        for (var header : message.headers()) {
            headers.put(header.key(), new String(header.value(), "UTF-8"));
        }
        shown.put("offset", message.offset());
        shown.put("key", message.key());
        shown.put("value", message.value());
        shown.put("headers", headers);
        return shown;
    }

    static Object administer() throws Exception {
        String topic = text("topic");
        Map<String, Object> result = new HashMap<>();
        try (Admin admin = Admin.create(settings())) {
            var asked = new NewTopic(topic, 3, (short) 1).configs(Map.of("cleanup.policy", "compact"));
            result.put("made", admin.createTopics(List.of(asked)).numPartitions(topic).get() == 3);
            var described = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
            result.put("partitions", described.partitions().size());
            result.put("groups", admin.listGroups().all().get().stream().map(group -> group.groupId()).toList());
            var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            var settings = admin.describeConfigs(List.of(resource)).all().get().get(resource);
            result.put("policy", settings.get("cleanup.policy").value());
            Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
            for (int partition = 0; partition < 3; partition++) {
                ends.put(new TopicPartition(topic, partition), OffsetSpec.latest());
            }
            result.put("offsets", admin.listOffsets(ends).all().get().size());
            admin.deleteTopics(List.of(topic)).all().get();
            result.put("gone", !admin.listTopics().names().get().contains(topic));
        }
        return result;
    }

    static Object deleteRecords() throws Exception {
        var partition = new TopicPartition(text("topic"), 0);
        try (Admin admin = Admin.create(settings())) {
            var before = RecordsToDelete.beforeOffset(asked.get("offset").asLong());
            long low = admin.deleteRecords(Map.of(partition, before)).all().get() == null
                ? admin.listOffsets(Map.of(partition, OffsetSpec.earliest())).all().get().get(partition).offset() : -1;
            long high = admin.listOffsets(Map.of(partition, OffsetSpec.latest())).all().get().get(partition).offset();
            return Map.of("low", low, "high", high);
        }
    }

    static Object transact() throws Exception {
        try (var producer = producer("transactional.id", text("id"))) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(text("topic"), "abort"));
            producer.flush();
            producer.abortTransaction();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(text("topic"), "commit"));
            producer.commitTransaction();
        }
        return "done";
    }
}
