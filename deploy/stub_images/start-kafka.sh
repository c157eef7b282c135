#!/bin/sh
# Starts one Kafka from KAFKA_* variables, by the rules of the apache/kafka image: _ is a dot,
# __ an underscore, ___ a dash; a few of them are for the virtual machine and no settings.
set -eu

properties=/tmp/server.properties
awk 'BEGIN {
    split("VERSION HEAP_OPTS OPTS LOG4J_OPTS JMX_OPTS JVM_PERFORMANCE_OPTS GC_LOG_OPTS " \
          "LOG4J_ROOT_LOGLEVEL LOG4J_LOGGERS TOOLS_LOG4J_LOGLEVEL JMX_HOSTNAME", words, " ")
    for (i in words) other["KAFKA_" words[i]] = 1
    for (name in ENVIRON) {
        if (name !~ /^KAFKA_/ || name in other) continue
        setting = tolower(substr(name, 7))
        gsub(/___/, "-", setting); gsub(/__/, "\001", setting); gsub(/_/, ".", setting); gsub("\001", "_", setting)
        value = ENVIRON[name]; gsub(/\\/, "\\\\", value); gsub(/\n/, "\\n", value)
        print setting "=" value
    }
}' </dev/null >"$properties"

run() {
    # shellcheck disable=SC2086 # options are several words
    exec /opt/java/bin/java ${KAFKA_HEAP_OPTS:--Xmx1g} \
        ${KAFKA_JVM_PERFORMANCE_OPTS:--XX:+UseSerialGC -XX:TieredStopAtLevel=1} ${KAFKA_OPTS:-} \
        -cp "/opt/kafka/libs/*" "$@"
}

data=$(sed -n 's/^log\.dirs=//p' "$properties")
if [ ! -e "${data%%,*}/meta.properties" ]; then
    alone=--standalone
    ! grep -q '^controller\.quorum\.voters=' "$properties" || alone=
    # shellcheck disable=SC2086 # none, or one word
    (run kafka.tools.StorageTool format $alone -t "${CLUSTER_ID:-Y2FuZG9yLXN0YW5kLWluMQ}" -c "$properties")
fi
run kafka.Kafka "$properties"
