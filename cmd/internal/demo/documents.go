package demo

import (
	"encoding/csv"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// customer is one row of customers.csv.
type customer struct {
	Name, Tier, Language, Phone string
}

// unpack writes the embedded documents to a directory, where people may read
// and change them while the demo runs.
func unpack(documents fs.FS, dir string) error {
	err := fs.WalkDir(documents, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(path))
		if d.IsDir() {
			return os.MkdirAll(to, 0o700) // the phones' secrets are in it
		}
		b, err := fs.ReadFile(documents, path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, 0o644)
	})
	if err != nil {
		return fmt.Errorf("unpack the demo's documents: %w", err)
	}
	return nil
}

// accounts reads the agents who have a softphone with a secret.
func accounts(documents fs.FS) ([]account, error) {
	src, err := fs.ReadFile(documents, "agents.yaml")
	if err != nil {
		return nil, fmt.Errorf("read agents: %w", err)
	}
	var doc struct {
		Agents map[string]struct {
			Name   string `yaml:"name"`
			Secret string `yaml:"secret"`
		} `yaml:"agents"`
	}
	if err := yaml.Unmarshal(src, &doc); err != nil {
		return nil, fmt.Errorf("read agents: %w", err)
	}
	var out []account
	for id, a := range doc.Agents {
		if a.Secret != "" {
			out = append(out, account{ID: id, Name: a.Name, Secret: a.Secret})
		}
	}
	slices.SortFunc(out, func(a, b account) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// customers reads those who may call, with one number each.
func customers(documents fs.FS) ([]customer, error) {
	f, err := documents.Open("customers.csv")
	if err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.FieldsPerRecord = -1
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	column := map[string]int{}
	var out []customer
	for i, row := range rows {
		if i == 0 {
			for j, name := range row {
				column[strings.TrimSpace(name)] = j
			}
			continue
		}
		field := func(name string) string {
			if j, ok := column[name]; ok && j < len(row) {
				return strings.TrimSpace(row[j])
			}
			return ""
		}
		number, _, _ := strings.Cut(field("phone"), ";")
		number, _, _ = strings.Cut(number, " ")
		if number != "" {
			out = append(out, customer{Name: field("name"), Tier: field("tier"), Language: field("lang"), Phone: number})
		}
	}
	return out, nil
}
