// Command service runs the example service on real servers, which the environment names
// as docs/security.md says: COPPICE_KAFKA, COPPICE_REDIS and so on; HTTP_LISTEN is where
// requests come (default 127.0.0.1:8080), TASKS the number of tasks of a new module, DRAIN
// how long it serves after it was told to end. `service health` asks whether it is ready.
//
// It traces and counts nothing: examples/service/otlp is the same with providers.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"go.opentelemetry.io/otel/trace/noop"

	"github.com/coppice-run/coppice/examples/service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := service.Command(ctx, os.Args[1:], service.Telemetry{Tracing: noop.NewTracerProvider()}); err != nil {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}
