package deptest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/cumulog/cumulog"

type goPackage struct {
	ImportPath, Dir, Doc string
	GoFiles              []string
	Imports              []string
	TestImports          []string
	XTestImports         []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	root := filepath.Join("..", "..")
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Doc,GoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 10 {
		t.Fatalf("found %d packages only: the test looks at the wrong place", len(all))
	}
	return all
}

func relative(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		pkg := relative(p.ImportPath)
		for _, i := range p.Imports {
			if why := problem(pkg, relative(i)); why != "" {
				t.Errorf("%s imports %s, which %s", pkg, relative(i), why)
			}
		}
		for _, i := range slices.Concat(p.TestImports, p.XTestImports) {
			if why, ok := banned[i]; ok {
				t.Errorf("tests of %s import %s, which is banned here: use %s", pkg, i, why)
			}
		}
	}
}

// TestRules keeps the rules themselves honest: each of these is right or wrong by docs/architecture.md.
func TestRules(t *testing.T) {
	check := func(pkg, dep string, allowed bool) {
		t.Helper()
		if why := problem(pkg, dep); (why == "") != allowed {
			t.Errorf("%s importing %s: allowed is %v, want %v (%s)", pkg, dep, why == "", allowed, why)
		}
	}
	check("internal/edge/logsapi", "internal/service/groups", true)
	check("internal/edge/logsapi", "internal/edge/logsapi/logswire", true)
	check("internal/edge/logsapi", "internal/edge/awshttp", true)
	check("internal/edge/logsapi", "internal/edge/s3api", false)
	check("internal/edge/logsapi", "internal/engine/store", false)
	check("internal/edge/logsapi", "internal/platform/catalog", false)
	check("internal/edge/logsapi", "internal/platform/telemetry", true)
	check("internal/edge/logsapi", "github.com/aws/aws-sdk-go-v2/aws", false)
	check("internal/service/events", "internal/service/groups", true)
	check("internal/service/groups", "internal/service/events", false)
	check("internal/service/events", "internal/engine/query/pattern", true)
	check("internal/service/events", "internal/edge/awsproto", false)
	check("internal/service/news", "internal/service/groups", false)
	check("internal/engine/store", "internal/engine/store/wal", true)
	check("internal/engine/store", "internal/engine/query/pattern", false)
	check("internal/engine/store", "internal/platform/vfs", true)
	check("internal/engine/store", "internal/platform/vfs/vfstest", false)
	check("internal/engine/store", "internal/config", false)
	check("internal/engine/store", "log", false)
	check("internal/platform/vfs", "internal/engine/store", false)
	check("internal/platform/objstore", "github.com/aws/aws-sdk-go-v2/service/s3", true)
	check("internal/logs", "internal/platform/vfs", false)
	check("internal/server", "internal/config", true)
	check("internal/server", "internal/engine/store", true)
	check("internal/edge/awshttp", "internal/server", false)
	check("cumulogtest", "internal/server", true)
	check("cmd/cumulog", "internal/server", true)
	check("test/wire", "internal/server", true)
}

func TestEveryPackageSaysWhatItOwns(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) == 0 {
			continue // tests only
		}
		if p.Doc == "" {
			t.Errorf("%s has no package comment", relative(p.ImportPath))
		}
	}
}

// TestNames: a package or file named after no thing becomes the place where everything goes.
func TestNames(t *testing.T) {
	forbidden := []string{"util", "utils", "common", "helper", "helpers", "misc", "types", "base", "manager"}
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if strings.HasPrefix(name, ".") && name != ".." || name == "node_modules" || name == "testdata" || name == "bin" {
				return filepath.SkipDir
			}
			if slices.Contains(forbidden, name) {
				t.Errorf("%s: put the code with its noun", path)
			}
			return nil
		}
		stem, isGo := strings.CutSuffix(name, ".go")
		if !isGo {
			return nil
		}
		seen++
		if slices.Contains(forbidden, strings.TrimSuffix(stem, "_test")) {
			t.Errorf("%s: name the file after the thing in it", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 10 {
		t.Fatalf("found %d Go files only: the test looks at the wrong place", seen)
	}
}

// TestEveryDependencyHasAReason compares what is imported with docs/dependencies.md, both ways.
func TestEveryDependencyHasAReason(t *testing.T) {
	root := filepath.Join("..", "..")
	raw, err := os.ReadFile(filepath.Join(root, "docs", "dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| .+ \\| .+ \\|$").FindAllStringSubmatch(string(raw), -1) {
		reasons[m[1]] = false
	}
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Path}}", "all")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list -m: %v", err)
	}
	modules := strings.Fields(string(out))
	for _, p := range packages(t) {
		for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			of := ""
			for _, m := range modules {
				if m != module && (i == m || strings.HasPrefix(i, m+"/")) && len(m) > len(of) {
					of = m
				}
			}
			if of == "" {
				continue // the standard library, or ourselves
			}
			if _, ok := reasons[of]; !ok {
				t.Errorf("%s imports %s: docs/dependencies.md gives no reason for it", relative(p.ImportPath), of)
			}
			reasons[of] = true
		}
	}
	for m, used := range reasons {
		if !used {
			t.Errorf("docs/dependencies.md gives a reason for %s, which nothing imports", m)
		}
	}
}
