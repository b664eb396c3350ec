package stack

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/coppice-run/coppice/deploy"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// startKafka formats the server's folder if it is new, and starts the broker.
func startKafka(ctx context.Context, config Config, server *Server) error {
	libs, err := jars(ctx, config)
	if err != nil {
		return err
	}
	properties, logging, err := writeKafkaFiles(server)
	if err != nil {
		return err
	}
	if err := formatKafka(ctx, server, libs, properties); err != nil {
		return err
	}
	return server.spawn(config.EndWithCaller, "java", "-Xms256m", "-Xmx512m", "-Djava.awt.headless=true",
		"-Dlog4j2.configurationFile="+logging, "-cp", filepath.Join(libs, "*"), "kafka.Kafka", properties)
}

// writeKafkaFiles writes deploy/kafka.properties with this server's addresses and folder behind it.
func writeKafkaFiles(server *Server) (properties, logging string, err error) {
	folder := server.Data
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", "", fmt.Errorf("stack: %s: %w", server.Name, err)
	}
	controller := address(server.SidePort)
	var text bytes.Buffer
	text.Write(deploy.KafkaProperties)
	fmt.Fprintf(&text, `
# --- This start -------------------------------------------------------------
listeners=PLAINTEXT://%[1]s,CONTROLLER://%[2]s
advertised.listeners=PLAINTEXT://%[1]s
controller.quorum.voters=1@%[2]s
log.dirs=%[3]s
`, server.Address, controller, filepath.Join(folder, "log"))
	switch {
	case server.Secrets != "":
		text.WriteString(server.secureKafka(controller))
	case server.Front != "":
		// Who comes by the front is sent there again; the broker itself and those who
		// come by the address beside it are not, so faults of the front leave them alone.
		fmt.Fprintf(&text, `listeners=PLAINTEXT://%[1]s,FRONT://%[2]s,CONTROLLER://%[3]s
advertised.listeners=PLAINTEXT://%[1]s,FRONT://%[4]s
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,FRONT:PLAINTEXT,CONTROLLER:PLAINTEXT
# A broker that was killed is taken back when the session of its former life has ended: after 9 s by default.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
`, server.Address, address(server.FrontPort), controller, server.Front)
	}
	properties, logging = filepath.Join(folder, "server.properties"), filepath.Join(folder, "log4j2.properties")
	err = errors.Join(os.WriteFile(properties, text.Bytes(), 0o644), os.WriteFile(logging, deploy.KafkaLogging, 0o644))
	if err != nil {
		return "", "", fmt.Errorf("stack: %s: %w", server.Name, err)
	}
	return properties, logging, nil
}

// formatKafka gives a new log folder its cluster id. A folder that has one is left as it is.
func formatKafka(ctx context.Context, server *Server, libs, properties string) error {
	if _, err := os.Stat(filepath.Join(server.Data, "log", "meta.properties")); err == nil {
		return nil
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	id[0] &= 0x7f        // no leading '-', which the tool would take for a flag
	cluster := base64.RawURLEncoding.EncodeToString(id)
	format := exec.CommandContext(ctx, "java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
		"-cp", filepath.Join(libs, "*"), "kafka.tools.StorageTool", "format", "--cluster-id="+cluster, "-c", properties)
	if output, err := format.CombinedOutput(); err != nil {
		return fmt.Errorf("stack: format %s: %w\n%s", server.Data, err, strings.TrimSpace(string(output)))
	}
	return nil
}

// askKafka succeeds when the broker has joined its cluster and there is a controller.
func askKafka(ctx context.Context, server Server) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(server.Address),
		kgo.RequestRetries(0),
		kgo.DialTimeout(time.Second),
	)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	defer client.Close()
	metadata, err := kadm.NewClient(client).BrokerMetadata(ctx)
	if err != nil {
		return err
	}
	if len(metadata.Brokers) == 0 || metadata.Controller < 0 {
		return fmt.Errorf("the broker has not joined: %d brokers, controller %d", len(metadata.Brokers), metadata.Controller)
	}
	return nil
}
