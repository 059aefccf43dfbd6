// Command wiregen turns a service model into the generated wire layer.
//
//	wiregen condense -version V service-2.json[.gz] > models/logs-2014-03-28.json
//	wiregen generate -model models/logs-2014-03-28.json -additions models/logs-2014-03-28.additions.json -out ../../internal/edge/logsapi/logswire
//
// condense keeps the facts of the model that the server needs and drops every
// documentation text. generate writes Go from the condensed model. Both give the same
// output for the same input.
package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "wiregen:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: wiregen condense | generate")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	switch args[0] {
	case "condense":
		version := flags.String("version", "", "where the model comes from, such as \"botocore 1.43.11\"")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		if flags.NArg() != 1 || *version == "" {
			return fmt.Errorf("usage: wiregen condense -version V service-2.json[.gz]")
		}
		data, err := readMaybeGzip(flags.Arg(0))
		if err != nil {
			return err
		}
		m, err := condense(data, *version)
		if err != nil {
			return fmt.Errorf("condense %s: %w", flags.Arg(0), err)
		}
		return m.write(stdout)
	case "generate":
		model := flags.String("model", "", "condensed model")
		additions := flags.String("additions", "", "members that the model lacks; may be empty")
		out := flags.String("out", "", "directory of the generated package")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		data, err := os.ReadFile(*model)
		if err != nil {
			return err
		}
		m, err := readModel(data)
		if err != nil {
			return fmt.Errorf("read %s: %w", *model, err)
		}
		if *additions != "" {
			if data, err = os.ReadFile(*additions); err != nil {
				return err
			}
			if err := m.add(data); err != nil {
				return fmt.Errorf("add %s: %w", *additions, err)
			}
		}
		files, err := generate(m, filepath.Base(*model), filepath.Base(*out))
		if err != nil {
			return err
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(*out, name), text, 0o644); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("unknown command %q", args[0])
}

func readMaybeGzip(name string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil || !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, err
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(zr)
}
