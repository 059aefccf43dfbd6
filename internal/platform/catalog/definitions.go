package catalog

import (
	"context"
	"database/sql"

	"github.com/cumulog/cumulog/internal/logs"
)

// Definition is a saved query.
type Definition struct {
	ID         string
	Scope      logs.Scope
	Name       string // need not be unique
	Language   string
	Text       string
	Spec       []byte // JSON of the owner: groups, parameters
	ModifiedMS int64
	Token      string // of the call that made it; "" = none
}

const definitionColumns = `definition_id, account, region, name, language, query_text, spec, modified_ms, token`

func scanDefinition(scan func(...any) error, d *Definition) error {
	return scan(&d.ID, &d.Scope.Account, &d.Scope.Region, &d.Name, &d.Language, &d.Text, &d.Spec, &d.ModifiedMS, &d.Token)
}

// CreateDefinition saves a query and returns its id: d.ID, or that of an older one that
// was created with the same Token not before tokenSinceMS. ErrTooMany when
// the scope would have more than limit of them.
func (db *DB) CreateDefinition(ctx context.Context, d Definition, tokenSinceMS int64, limit int) (id string, err error) {
	err = db.apply(ctx, "create query definition", func(t *tx) error {
		id = d.ID
		if d.Token != "" {
			var old string
			err := t.row(`SELECT definition_id FROM query_definitions WHERE account = ? AND region = ? AND token = ? AND token <> '' AND token_ms >= ? ORDER BY token_ms DESC LIMIT 1`,
				[]any{d.Scope.Account, d.Scope.Region, d.Token, tokenSinceMS}, &old)
			if err == nil {
				id = old
				return nil
			}
			if !isNoRows(err) {
				return err
			}
		}
		var n int
		if err := t.row(`SELECT count(*) FROM query_definitions WHERE account = ? AND region = ?`, []any{d.Scope.Account, d.Scope.Region}, &n); err != nil {
			return err
		}
		if n >= limit {
			return ErrTooMany
		}
		_, err := t.exec(`INSERT INTO query_definitions (`+definitionColumns+`, token_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			d.ID, d.Scope.Account, d.Scope.Region, d.Name, d.Language, d.Text, string(d.Spec), d.ModifiedMS, d.Token, d.ModifiedMS)
		return err
	})
	return id, err
}

// ReplaceDefinition replaces a saved query of the scope, but not its Token.
// ErrNotFound.
func (db *DB) ReplaceDefinition(ctx context.Context, d Definition) error {
	return db.apply(ctx, "replace query definition", func(t *tx) error {
		return mustChange(t.exec(`UPDATE query_definitions SET name = ?, language = ?, query_text = ?, spec = ?, modified_ms = ? WHERE definition_id = ? AND account = ? AND region = ?`,
			d.Name, d.Language, d.Text, string(d.Spec), d.ModifiedMS, d.ID, d.Scope.Account, d.Scope.Region))
	})
}

// DeleteDefinition removes a saved query of the scope, or ErrNotFound.
func (db *DB) DeleteDefinition(ctx context.Context, scope logs.Scope, id string) error {
	return db.applyFreeing(ctx, "delete query definition", func(t *tx) error {
		return mustChange(t.exec(`DELETE FROM query_definitions WHERE definition_id = ? AND account = ? AND region = ?`, id, scope.Account, scope.Region))
	})
}

// DefinitionFilter selects and pages saved queries.
type DefinitionFilter struct {
	Prefix   string // of the name
	Name     string // exactly; "" = any
	Language string // "" = any
	// AfterName and AfterID are those of the last one of the page before; empty on the first.
	AfterName, AfterID string
	Limit              int // at most so many; must be > 0
}

// Definitions lists the saved queries of a scope by name, those of one name by id.
func (db *DB) Definitions(ctx context.Context, scope logs.Scope, f DefinitionFilter) ([]Definition, error) {
	query := `SELECT ` + definitionColumns + ` FROM query_definitions s WHERE account = ? AND region = ?`
	args := []any{scope.Account, scope.Region}
	if f.Name != "" {
		query += ` AND name = ?`
		args = append(args, f.Name)
	}
	if f.Language != "" {
		query += ` AND language = ?`
		args = append(args, f.Language)
	}
	if f.Prefix != "" {
		query, args = nameRange(f.Prefix, "", false).where(query, args)
	}
	if f.AfterID != "" {
		query += ` AND (name, definition_id) > (?, ?)`
		args = append(args, f.AfterName, f.AfterID)
	}
	var out []Definition
	err := db.rows(ctx, query+` ORDER BY name, definition_id LIMIT ?`, append(args, f.Limit), func(rows *sql.Rows) error {
		var d Definition
		if err := scanDefinition(rows.Scan, &d); err != nil {
			return err
		}
		out = append(out, d)
		return nil
	})
	return out, wrap("list query definitions", err)
}
