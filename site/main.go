package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	root := flag.String("root", "..", "folder of the repository")
	out := flag.String("out", "", "folder to write the site to; default: only check")
	flag.Parse()
	if err := run(*root, *out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root, out string) error {
	s, err := read(root)
	if err != nil {
		return err
	}
	problems := append(s.resolve(), s.unchecked()...)
	if len(problems) > 0 {
		return fmt.Errorf("site: %d problems:\n%w", len(problems), errors.Join(problems...))
	}
	if out == "" {
		return nil
	}
	if err := s.write(out); err != nil {
		return err
	}
	fmt.Printf("%d pages in %s\n", len(s.pages), out)
	return nil
}
