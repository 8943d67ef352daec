//! Copies: a file of SQLite's out of what the server has, and back; and what can be said of the tables there.

use std::path::Path;

use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::Type;
use postgres::{Client, IsolationLevel, Transaction};

use super::{NOW, Server, boxed, cell, fault, references, type_of};
use crate::error::{Error, Result, Status};
use crate::store::Tx;
use crate::store::backup::{Facts, StoreCopy};
use crate::store::contents::{self, StoredTable};
use crate::store::engine::{Cell, Scope, Value, sqlite};
use crate::store::schema::VERSION;
use crate::store::statements::Statements;

/// Rows that are moved at a time.
const ROWS: i32 = 1000;

impl Server {
    /// Copies the store to a new file, as it is at this moment. Others read and write meanwhile. The file appears whole
    /// or not at all, never over another.
    pub(in crate::store) fn copy_to(&self, path: &Path) -> Result<Facts> {
        sqlite::backup::write_new(path, |file| {
            let mut client = self.connect_for_copy()?;
            let begin = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
            let mut snapshot = begin.start().map_err(|e| self.explain(fault(&e)))?;
            for table in contents::stored_tables() {
                read_table(&mut snapshot, &table, file).map_err(|e| self.explain(e))?;
            }
            Ok(())
        })
    }

    /// Puts a copy in the place of what the store holds, in one transaction. `may_go_on` is asked under the store's
    /// lock; if it fails, nothing is replaced.
    pub(in crate::store) fn put_back(
        &self,
        copy: &StoreCopy,
        may_go_on: &dyn Fn() -> Result<()>,
    ) -> Result<Option<std::path::PathBuf>> {
        if !self.exists()? {
            may_go_on()?;
            self.create(|_| Ok(()))?;
        }
        let mut client = self.connect_for_copy()?;
        self.replace_all(&mut client, copy, may_go_on).map_err(|e| self.explain(e))?;
        Ok(None)
    }

    /// A connection that streams whole tables.
    fn connect_for_copy(&self) -> Result<Client> {
        let (mut link, host) = self.reach().map_err(|e| self.explain(e))?;
        let config = postgres::Config::from(self.settings_for(host)?);
        let mut client =
            config.connect(self.connector.clone()).map_err(|e| self.explain(super::connect_fault(&e, host)))?;
        let told = link.ask("SELECT current_setting('synchronous_commit')").map_err(|e| self.explain(e))?;
        let settings = super::settings(told.first().map_or("on", |told| told.get(0)));
        client.batch_execute(&settings).map_err(|e| self.explain(fault(&e)))?;
        Ok(client)
    }

    fn replace_all(&self, client: &mut Client, copy: &StoreCopy, may_go_on: &dyn Fn() -> Result<()>) -> Result<()> {
        let fault = |e: postgres::Error| fault(&e);
        let mut transaction = client.transaction().map_err(fault)?;
        let tables = contents::stored_tables();
        let names: Vec<&str> = tables.iter().map(|table| table.name).collect();
        // Readers wait, too: what is being replaced is no state of the store.
        let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", "));
        transaction.batch_execute(&lock).map_err(fault)?;
        may_go_on()?;
        for name in names.iter().rev() {
            transaction.batch_execute(&format!("DELETE FROM {name}")).map_err(fault)?;
        }
        for table in &tables {
            write_table(&mut transaction, table, copy)?;
            if table.columns.contains(&"id") && table.is_numbered {
                let next = format!(
                    "SELECT setval(pg_get_serial_sequence('{0}', 'id'), GREATEST((SELECT MAX(id) FROM {0}), 1))",
                    table.name
                );
                transaction.batch_execute(&next).map_err(fault)?;
            }
        }
        let mark = crate::os::random::<16>()?.to_vec();
        let put = format!("INSERT INTO change_mark (id, at) VALUES ($1, {NOW})");
        transaction.execute(&put, &[&mark]).map_err(fault)?;
        match transaction.commit() {
            Ok(()) => Ok(()),
            Err(e) => self.resolve(&mark, super::fault(&e)),
        }
    }

    /// What the server says of its own care for pages: empty where it keeps checksums.
    pub(in crate::store) fn integrity(&self) -> Result<Vec<String>> {
        let mut link = self.connect()?;
        let told = link.ask("SELECT current_setting('data_checksums')").map_err(|e| self.explain(e))?;
        let is_on = told.first().is_some_and(|told| told.get::<_, &str>(0) == "on");
        Ok(if is_on { Vec::new() } else { vec!["the server keeps no checksums of its pages".to_owned()] })
    }

    /// Rows that refer to rows that are not there.
    pub(in crate::store) fn dangling_rows(&self) -> Result<usize> {
        let tables = super::tables();
        self.run(Scope::Snapshot, |tx| {
            let mut count = 0;
            for Reference { table, column, other, key } in references_in(&tables) {
                let statement = format!(
                    "SELECT COUNT(*) AS n FROM {table} t WHERE t.{column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM \
                     {other} o WHERE o.{key} = t.{column})"
                );
                count += tx.query_one(&statement, &[], |r| r.get::<i64>("n"))?;
            }
            Ok(usize::try_from(count).unwrap_or_default())
        })
    }

    /// What stands in the schema and is not a store's, or is missing: kind and name of each.
    pub(in crate::store) fn strange_definitions(&self) -> Result<Vec<String>> {
        let mut link = self.connect()?;
        let found = link
            .ask(
                "SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'i' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 'v' \
                 THEN 'view' ELSE 'relation' END AS kind, c.relname::text AS name FROM pg_class c WHERE c.relnamespace \
                 = 'ummailboxpin'::regnamespace AND c.relkind <> 't' UNION ALL SELECT 'trigger', t.tgname::text FROM \
                 pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = \
                 'ummailboxpin'::regnamespace AND NOT t.tgisinternal UNION ALL SELECT 'rule', r.rulename::text FROM \
                 pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = \
                 'ummailboxpin'::regnamespace UNION ALL SELECT 'function', p.proname::text FROM pg_proc p WHERE \
                 p.pronamespace = 'ummailboxpin'::regnamespace ORDER BY 1, 2",
            )
            .map_err(|e| self.explain(e))?;
        let found: Vec<(String, String)> = found.iter().map(|row| (row.get(0), row.get(1))).collect();
        let due = due_definitions();
        let is_due = |(kind, name): &(String, String)| match &**kind {
            "index" => due.iter().any(|(k, n)| k == "index" && n == name) || name.ends_with("_pkey"),
            _ => due.iter().any(|(k, n)| k == kind && n == name),
        };
        let strange = found.iter().filter(|found| !is_due(found));
        let missing = due.iter().filter(|due| !found.contains(due));
        Ok(strange.chain(missing).map(|(kind, name)| format!("{kind} '{name}'")).collect())
    }

    /// The schema's version, and `wal`: a server always writes ahead.
    pub(in crate::store) fn version_and_journal(&self) -> Result<(i64, String)> {
        Ok((VERSION, "wal".to_owned()))
    }
}

/// A column that names a row of another table.
#[derive(Debug, PartialEq)]
struct Reference<'t> {
    table: &'t str,
    column: &'t str,
    other: &'t str,
    key: &'t str,
}

/// What the schema says of them: `column TYPE ... REFERENCES other (key)`, a line each.
fn references_in(tables: &str) -> Vec<Reference<'_>> {
    let mut table = "";
    let mut found = Vec::new();
    for line in tables.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
            table = rest.split([' ', '(']).next().unwrap_or_default();
        } else if let Some((before, behind)) = line.split_once(" REFERENCES ") {
            let column = before.split_whitespace().next().unwrap_or_default();
            let mut words = behind.split([' ', '(', ')', ',']).filter(|word| !word.is_empty());
            if let (Some(other), Some(key)) = (words.next(), words.next()) {
                found.push(Reference { table, column, other, key });
            }
        }
    }
    found
}

/// Kind and name of what the store makes, but for primary keys.
fn due_definitions() -> Vec<(String, String)> {
    let mut due = Vec::new();
    let text = format!("{}{}{}", super::tables(), crate::store::schema::INDEXES, super::OWN_TABLES);
    for statement in text.split(';').map(str::trim) {
        let words: Vec<&str> = statement
            .lines()
            .filter(|line| !line.trim_start().starts_with("--"))
            .flat_map(str::split_whitespace)
            .filter(|word| !["UNIQUE", "IF", "NOT", "EXISTS"].contains(word))
            .take(3)
            .collect();
        match words[..] {
            ["CREATE", "TABLE", name] => {
                due.push(("table".to_owned(), name.to_owned()));
                for line in statement.lines().map(str::trim) {
                    let column = line.split_whitespace().next().unwrap_or_default();
                    if line.contains("GENERATED BY DEFAULT AS IDENTITY") {
                        due.push(("sequence".to_owned(), format!("{name}_{column}_seq")));
                    }
                    if line.contains(" UNIQUE") {
                        due.push(("index".to_owned(), format!("{name}_{column}_key")));
                    }
                }
            }
            ["CREATE", "INDEX", name] => due.push(("index".to_owned(), name.to_owned())),
            _ => {}
        }
    }
    due
}

/// A table's rows from the server into a file.
fn read_table(snapshot: &mut Transaction<'_>, table: &StoredTable, file: &Tx<'_>) -> Result<()> {
    let fault = |e: postgres::Error| fault(&e);
    let columns = table.columns.join(", ");
    let read =
        snapshot.prepare(&format!("SELECT {columns} FROM {} ORDER BY {}", table.name, table.order)).map_err(fault)?;
    let portal = snapshot.bind(&read, &[]).map_err(fault)?;
    let marks: Vec<String> = (1..=table.columns.len()).map(|n| format!("?{n}")).collect();
    let write = format!("INSERT INTO {} ({columns}) VALUES ({})", table.name, marks.join(", "));
    loop {
        let rows = snapshot.query_portal(&portal, ROWS).map_err(fault)?;
        for row in &rows {
            let values = (0..table.columns.len())
                .map(|at| cell(row, at).and_then(value_of))
                .collect::<Result<Vec<Value<'_>>>>()?;
            file.execute(&write, &crate::store::engine::params_of(&values))?;
        }
        if rows.len() < ROWS as usize {
            return Ok(());
        }
    }
}

/// A table's rows from a copy into the server.
fn write_table(transaction: &mut Transaction<'_>, table: &StoredTable, copy: &StoreCopy) -> Result<()> {
    let fault = |e: postgres::Error| fault(&e);
    let columns = table.columns.join(", ");
    let types: Vec<Type> = table.kinds.iter().map(|kind| type_of(&Value::Null(*kind))).collect();
    let copy_in = format!("COPY {} ({columns}) FROM STDIN BINARY", table.name);
    let mut writer = BinaryCopyInWriter::new(transaction.copy_in(&copy_in).map_err(fault)?, &types);
    copy.read(|tx| {
        tx.query_each(&format!("SELECT {columns} FROM {} ORDER BY {}", table.name, table.order), &[], |row| {
            let values = table
                .kinds
                .iter()
                .enumerate()
                .map(|(at, kind)| match row.cell(at)? {
                    Cell::Null => Ok(Value::Null(*kind)),
                    found => value_of(found),
                })
                .collect::<Result<Vec<Value<'_>>>>()?;
            writer.write(&references(&boxed(&values))).map_err(fault)
        })
    })?;
    writer.finish().map(drop).map_err(fault)
}

fn value_of(cell: Cell<'_>) -> Result<Value<'_>> {
    let odd = || Error::new(Status::BackupFailed, "a row holds what no cmdlet wrote");
    Ok(match cell {
        Cell::Null => Value::Null(crate::store::engine::Kind::Text),
        Cell::Integer(n) => Value::Integer(n),
        Cell::Text(_) => Value::Text(cell.text().ok_or_else(odd)?.into()),
        Cell::Blob(bytes) => Value::Blob(bytes.into()),
        Cell::Other => return Err(odd()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_of_the_schema_is_found_with_both_its_ends() {
        let tables = super::super::tables();
        let found = references_in(&tables);
        assert_eq!(found.len(), tables.matches(" REFERENCES ").count());
        let due = Reference { table: "um_address", column: "recipient_id", other: "um_mailbox", key: "recipient_id" };
        assert!(found.contains(&due), "{found:?}");
        let names: Vec<&str> = contents::stored_tables().iter().map(|table| table.name).collect();
        assert!(found.iter().all(|r| names.contains(&r.table) && names.contains(&r.other)), "{found:?}");
    }
}
