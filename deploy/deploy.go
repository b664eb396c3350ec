// Package deploy carries the settings that every way of running the real
// servers shares: `docker compose` mounts these files, and the native start of
// `make stack` writes them out, so that both run the same Kafka and Redis.
package deploy

import _ "embed"

// KafkaProperties is Kafka's server.properties: one KRaft node on loopback. Of
// two lines with one key Kafka takes the last, so overrides are appended.
//
//go:embed kafka.properties
var KafkaProperties []byte

// RedisConf is Redis' configuration file; arguments after it override its lines.
//
//go:embed redis.conf
var RedisConf []byte

// KafkaPom names the jars of the native Kafka, with pinned versions.
//
//go:embed kafka/pom.xml
var KafkaPom []byte

// KafkaLogging is the log4j2 configuration of the native Kafka.
//
//go:embed kafka/log4j2.properties
var KafkaLogging []byte
