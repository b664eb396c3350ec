package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/internal/stack"
	"github.com/spf13/pflag"
)

// options are the flags of all commands.
type options struct {
	folder string
	parts  []string
	native bool
	free   bool
	own    bool // servers for this process alone
	secure bool
}

func (o *options) register(flags *pflag.FlagSet) {
	flags.StringVar(&o.folder, "folder", "", "state folder (default: $COPPICE_STACK_FOLDER, else .stack beside go.mod)")
	flags.StringSliceVar(&o.parts, "parts", []string{"kafka", "redis", "cluster"}, "what to start: kafka, redis, cluster, replicas, pair (a Redis and its replica)")
	flags.BoolVar(&o.native, "native", false, "start processes even where a container engine answers")
	flags.BoolVar(&o.secure, "secure", false, "Kafka and Redis with TLS, users and rights, the environment as package connect reads it; implies --native, --parts kafka,redis and a folder of its own")
	flags.BoolVar(&o.free, "free-ports", false, "listen on free ports instead of 19092, 16379, 17001 to 17006 and 16479 to 16480; implies --native")
}

// progress tells the steps of a start, apart from what a command prints.
func progress(line string) { fmt.Fprintln(os.Stderr, line) }

func (o *options) config() (stack.Config, error) {
	config := stack.Config{Progress: progress, EndWithCaller: o.own, Secure: o.secure}
	var err error
	if config.Folder, err = o.stateFolder(); err != nil {
		return config, err
	}
	parts := o.parts
	if o.secure {
		parts = []string{"kafka", "redis"}
	}
	for _, part := range parts {
		switch part {
		case "kafka":
			config.Parts.Kafka = true
		case "redis":
			config.Parts.Redis = true
		case "cluster":
			config.Parts.Cluster = true
		case "replicas":
			config.Parts.Replicas = true
		case "pair":
			config.Parts.Pair = true
		default:
			return config, fmt.Errorf("stack: --parts %s: want kafka, redis, cluster, replicas or pair", part)
		}
	}
	if !o.free {
		config.Ports, err = stack.DefaultPorts()
	}
	return config, err
}

// stateFolder is, unless told, .stack beside the nearest go.mod, so that every folder of the project means the same stack.
func (o *options) stateFolder() (string, error) {
	if o.folder != "" {
		return o.folder, nil
	}
	if folder := os.Getenv("COPPICE_STACK_FOLDER"); folder != "" {
		return filepath.Join(folder, strings.TrimPrefix(o.folderName(), ".stack")), nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("stack: %w", err)
	}
	for above := here; ; above = filepath.Dir(above) {
		if _, err := os.Stat(filepath.Join(above, "go.mod")); err == nil {
			return filepath.Join(above, o.folderName()), nil
		}
		if above == filepath.Dir(above) {
			return filepath.Join(here, o.folderName()), nil
		}
	}
}

// up starts the stack as this machine can, or as the recorded one runs.
func (o *options) up(ctx context.Context) (stack.State, error) {
	config, err := o.config()
	if err != nil {
		return stack.State{}, err
	}
	recorded, err := stack.Load(config.Folder)
	if err != nil {
		return stack.State{}, err
	}
	mode := recorded.Mode
	if mode == "" {
		mode = stack.Native
		if !o.native && !o.free && !o.secure && !slices.Contains(o.parts, "replicas") && !slices.Contains(o.parts, "pair") {
			mode = stack.Choose(ctx)
		}
	}
	if mode == stack.Native {
		return stack.Up(ctx, config)
	}
	file, err := stack.ComposeFile(".")
	if err != nil {
		return stack.State{}, err
	}
	return stack.UpCompose(ctx, config, file)
}

// folderName is that of a state folder. Secure servers never mix with others.
func (o *options) folderName() string {
	if o.secure {
		return filepath.Join(".stack", "secure")
	}
	return ".stack"
}
