// Prints the name of every setting that a version of Kafka knows, one a line, as "COMPONENT NAME".
// Run by scripts/kafka_keys.py, with the jars of that version on the class path.

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

import org.apache.kafka.common.config.ConfigDef;

public final class KafkaKeys {
    private static void print(String component, Set<String> names) {
        for (String name : new TreeSet<>(names)) {
            System.out.println(component + " " + name);
        }
    }

    @SuppressWarnings("unchecked")
    private static Set<String> names(String type, String... members) throws Exception {
        Set<String> found = new TreeSet<>();
        Class<?> kind;
        try {
            kind = Class.forName(type);
        } catch (ClassNotFoundException absent) {
            return found;
        }
        for (String member : members) {
            Object value = member(kind, member);
            if (value instanceof ConfigDef) {
                found.addAll(((ConfigDef) value).names());
            } else if (value instanceof Set) {
                found.addAll((Set<String>) value);
            } else if (value instanceof Map) {
                found.addAll(((Map<String, ?>) value).keySet());
            }
        }
        return found;
    }

    private static Object member(Class<?> kind, String name) throws Exception {
        for (Class<?> at = kind; at != null; at = at.getSuperclass()) {
            for (Method method : at.getDeclaredMethods()) {
                if (method.getName().equals(name) && method.getParameterCount() == 0
                        && java.lang.reflect.Modifier.isStatic(method.getModifiers())) {
                    method.setAccessible(true);
                    return method.invoke(null);
                }
            }
            for (Field field : at.getDeclaredFields()) {
                if (field.getName().equals(name) && java.lang.reflect.Modifier.isStatic(field.getModifiers())) {
                    field.setAccessible(true);
                    return field.get(null);
                }
            }
        }
        return null;
    }

    public static void main(String[] arguments) throws Exception {
        String runtime = "org.apache.kafka.connect.runtime.";
        String mirror = "org.apache.kafka.connect.mirror.";
        print("broker", names("kafka.server.KafkaConfig", "configNames", "configDef"));
        print("broker", names("org.apache.kafka.server.config.AbstractKafkaConfig", "CONFIG_DEF"));
        print("producer", names("org.apache.kafka.clients.producer.ProducerConfig", "CONFIG"));
        print("consumer", names("org.apache.kafka.clients.consumer.ConsumerConfig", "CONFIG"));
        print("admin", names("org.apache.kafka.clients.admin.AdminClientConfig", "CONFIG"));
        print("worker", names(runtime + "distributed.DistributedConfig", "CONFIG", "config"));
        print("worker", names(runtime + "WorkerConfig", "baseConfigDef"));
        print("worker", names(runtime + "rest.RestServerConfig", "configDef"));
        Class<?> distributed = Class.forName(runtime + "distributed.DistributedConfig");
        for (Method method : distributed.getDeclaredMethods()) {
            if (method.getName().equals("config") && method.getReturnType() == ConfigDef.class) {
                method.setAccessible(true);
                Object[] values = new Object[method.getParameterCount()];
                for (int i = 0; i < values.length; i++) {
                    Class<?> crypto = Class.forName(runtime + "distributed.Crypto");
                    values[i] = crypto.getField("SYSTEM").get(null);
                }
                print("worker", ((ConfigDef) method.invoke(null, values)).names());
            }
        }
        print("client", names(mirror + "MirrorClientConfig", "CLIENT_CONFIG_DEF"));
        print("mirror", names(mirror + "MirrorClientConfig", "CONFIG_DEF"));
        print("mirror", names(mirror + "MirrorMakerConfig", "CONFIG_DEF", "config"));
        print("connector", names(mirror + "MirrorConnectorConfig", "BASE_CONNECTOR_CONFIG_DEF", "CONNECTOR_CONFIG_DEF"));
        for (String kind : new String[] {"Source", "Checkpoint", "Heartbeat"}) {
            print("connector", names(mirror + "Mirror" + kind + "Config", "CONNECTOR_CONFIG_DEF"));
        }
        print("connector", names(runtime + "ConnectorConfig", "configDef"));
        print("connector", names(runtime + "SourceConnectorConfig", "configDef"));
    }
}
