// Package kafkadepot keeps depots in Kafka topics: package depot on a Kafka
// cluster of version 2.8 or newer.
//
//	coppice.<module>.<depot>   one partition per task; append time by the broker; no retention
//	coppice.<module>.__meta    one partition, compacted: small facts about the module
//
// Readers assign partitions directly and keep no position in Kafka; what a task
// has read stands with its state. docs/formats/kafka.md draws topics and records.
package kafkadepot
