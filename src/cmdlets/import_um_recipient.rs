//! Import-UMRecipient: read whole into a staging table, then applied in batches, each a transaction.
//!
//! Steps (parameter `Step`): `Begin` gives an id; `Read` (a file, repeated while `Next`) and `Rows` (piped objects)
//! stage; `Apply` counts under Validate and applies under Commit (repeated while `Next`); `End` drops the staging.

use crate::guid::RecipientGuid;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::cmdlets::document::{Request, Response};
use crate::directory::identity::fold;
use crate::directory::recipient::{ProxyAddress, Recipient};
use crate::directory::row::{self, Field, field};
use crate::directory::table::Table;
use crate::error::{Error, Result, Status};
use crate::guid::new_guid;
use crate::service::audit::audit_refusal;
use crate::session::{Change, Mode, Session};
use crate::store::Tx;
use crate::store::staging::{StagedRow, Staging};

/// Rows in one transaction, and in one answer.
const BATCH: usize = 500;
/// A batch read from a file ends behind so many bytes, however few rows they were.
const BATCH_BYTES: u64 = 8 * 1024 * 1024;
/// How the error about one row ends.
const OTHERS_GO_ON: &str = "The other rows go on.";
/// A prune of more than one in so many people needs -Force.
const PRUNE_SHARE: i64 = 10;

/// The imports that a session has under way.
#[derive(Default)]
struct Imports(Mutex<HashMap<String, Import>>);

/// One import.
struct Import {
    staging: Staging,
    table: Option<Table>,
    line: i64,
    checked: bool,
    /// Place and line of the last row that was applied: in the order of the store's own tree, so that a batch changes
    /// few of its pages. A directory is exported in no such order.
    applied_to: (String, i64),
    pruned_to: RecipientGuid,
    prune: Option<bool>,
    counts: Counts,
    /// The rows that the check refused, kept until a commit reports them: the rehearsal before the prompt must not.
    refused: Vec<Error>,
    /// How many rows the check looked at, one looked at twice counted twice.
    looked_at: u64,
}

#[derive(Clone, Copy, Default)]
struct Counts {
    read: u64,
    added: u64,
    updated: u64,
    unchanged: u64,
    removed: u64,
    failed: u64,
}

impl Counts {
    fn summary_object(&self) -> Value {
        json!({
            "$type": "UMMailboxPin.ImportResult",
            "Read": self.read,
            "Added": self.added,
            "Updated": self.updated,
            "Unchanged": self.unchanged,
            "Removed": self.removed,
            "Failed": self.failed,
        })
    }

    fn summary(&self) -> String {
        format!(
            "{} read, {} added, {} updated, {} unchanged, {} removed, {} failed",
            self.read, self.added, self.updated, self.unchanged, self.removed, self.failed
        )
    }
}

/// Import-UMRecipient, one step of it.
pub(crate) fn import_um_recipient(session: &Session, request: &Request) -> Result<Response> {
    let p = &request.parameters;
    p.allow(&["Step", "Import", "Path", "Rows", "Prune", "Force"])?;
    let step = p.required("Step")?;
    let kept = session.shared_state::<Imports>();
    let imports = || kept.0.lock().unwrap_or_else(PoisonError::into_inner);
    if step == "Begin" {
        let id = new_guid()?;
        imports().insert(id.clone(), Import::new()?);
        return Ok(Response::with_object(json!({"Import": id})));
    }
    let id = p.required("Import")?;
    // Taken out while it is worked on, so that another session's thread is not held up by it.
    let mut import = imports().remove(&id).ok_or_else(|| {
        Error::new(Status::InvalidRequest, "This import has ended or never began. Nothing was changed.")
    })?;
    let answer = match step.as_str() {
        "Read" => import.read(Path::new(&p.required("Path")?)),
        "Rows" => import.stage_rows(p.value("Rows")),
        "Apply" => {
            import.prune = Some(p.switch("Prune")?);
            import.apply_rows(session, request, p.switch("Force")?)
        }
        "End" => return Ok(Response::default()),
        _ => Err(Error::new(
            Status::InvalidRequest,
            format!("Import-UMRecipient has no step '{step}'. Nothing was changed."),
        )),
    };
    imports().insert(id, import);
    answer
}

impl Import {
    fn new() -> Result<Self> {
        Ok(Self {
            staging: Staging::new()?,
            table: None,
            line: 0,
            checked: false,
            applied_to: (String::new(), 0),
            pruned_to: RecipientGuid::default(),
            prune: None,
            counts: Counts::default(),
            refused: Vec::new(),
            looked_at: 0,
        })
    }

    /// Stages the next rows of a file.
    fn read(&mut self, path: &Path) -> Result<Response> {
        if self.table.is_none() {
            self.table = Some(Table::open(path)?);
        }
        let Some(mut table) = self.table.take() else { return Ok(Response::default()) };
        let mut response = Response::default();
        let mut more = true;
        let mut batch = Vec::new();
        let start = table.position();
        while more && batch.len() < BATCH && table.position().saturating_sub(start) < BATCH_BYTES {
            match table.next_row() {
                Some(row) => batch.push(row),
                None => more = false,
            }
        }
        let staging = &self.staging;
        let counts = &mut self.counts;
        // Lines of several files or pipes must stay apart, so rows are numbered here and named by their line.
        let numbers = &mut self.line;
        for (line, values) in batch {
            *numbers += 1;
            let staged = values.and_then(|v| row::recipient(&v));
            stage_row(staging, counts, *numbers, &format!("line {line}"), staged, &mut response.errors)?;
        }
        if table.cut_off()
            && let Some(last) = response.errors.last_mut()
        {
            last.message = last.message.replace(OTHERS_GO_ON, "The rows in front of it go on.");
        }
        response.progress = Some((table.position(), table.size));
        if more {
            self.table = Some(table);
            response.next = Some("more".into());
        }
        Ok(response)
    }

    /// Stages piped objects.
    fn stage_rows(&mut self, rows: Option<&Value>) -> Result<Response> {
        let rows = rows.and_then(Value::as_array).ok_or_else(|| {
            Error::new(Status::InvalidRequest, "The step Rows of Import-UMRecipient needs Rows. Nothing was changed.")
        })?;
        let mut response = Response::default();
        let staging = &self.staging;
        let counts = &mut self.counts;
        let numbers = &mut self.line;
        for object in rows {
            *numbers += 1;
            let staged = values_of(object).and_then(|v| row::recipient(&v));
            stage_row(staging, counts, *numbers, &format!("object {numbers}"), staged, &mut response.errors)?;
        }
        Ok(response)
    }

    fn apply_rows(&mut self, session: &Session, request: &Request, force: bool) -> Result<Response> {
        let mut response = Response::default();
        if !self.checked {
            let mut refused = std::mem::take(&mut self.refused);
            let checked = self.take_out_conflicts(session, &mut refused);
            // Kept also when the step failed: the refused rows are out, and a second attempt would not report them.
            self.refused = refused;
            checked?;
            self.checked = true;
        }
        let prune = self.prune == Some(true);
        if request.mode == Mode::Validate {
            response.errors.clone_from(&self.refused);
            let mut counts = self.counts;
            let refusal = session.read(|tx| {
                self.each_row(0, |row| compare(tx, &row).map(|verdict| verdict.count(&mut counts)))?;
                if prune { self.find_absent(tx, force) } else { Ok(None) }
            })?;
            if let Some(refusal) = refusal {
                response.errors.push(refusal);
            } else if prune {
                counts.removed = u64::try_from(self.staging.absent_count()?).unwrap_or_default();
            }
            response.objects.push(counts.summary_object());
            let action = if prune { "Import recipients and remove the absent" } else { "Import recipients" };
            return Ok(response.for_should_process(format!("the directory ({})", counts.summary()), action));
        }

        let total = u64::try_from(self.staging.count()?).unwrap_or_default();
        self.staging.sort()?;
        let batch = self.staging.rows_by_place(&self.applied_to, BATCH)?;
        if let Some((place, last)) = batch.last() {
            let done = session.change(Mode::Commit, &request.cause, |c| {
                let mut counts = self.counts;
                for (_, row) in &batch {
                    let verdict = compare(c.tx, row)?;
                    verdict.count(&mut counts);
                    if let Verdict::Add(r) | Verdict::Update(r) = verdict {
                        let mut r = *r;
                        r.when_changed = c.now;
                        if r.when_created == 0 {
                            r.when_created = c.now;
                        }
                        c.tx.put_recipient(&r)?;
                    }
                }
                Ok(counts)
            })?;
            self.counts = done;
            self.applied_to = (place.clone(), last.line);
            let applied = done.added + done.updated + done.unchanged;
            response.progress = Some((applied, total));
            response.errors.append(&mut self.refused);
            response.next = Some("more".into());
            return Ok(response);
        }
        if prune
            && self.pruned_to.as_str().is_empty()
            && let Some(refusal) = session.read(|tx| self.find_absent(tx, force))?
        {
            audit_refusal(session, &request.cause, "directory", &refusal);
            response.errors.push(refusal);
            self.prune = Some(false);
        }
        if self.prune == Some(true) {
            let batch = self.staging.absent(&self.pruned_to, BATCH)?;
            if let Some(last) = batch.last() {
                self.counts.removed += session.change(Mode::Commit, &request.cause, |c| remove(c, &batch))?;
                self.pruned_to.clone_from(last);
                response.next = Some("more".into());
                return Ok(response);
            }
        }
        session.change(Mode::Commit, &request.cause, |c| c.audit("directory", &self.counts.summary()))?;
        response.errors.append(&mut self.refused);
        response.objects.push(self.counts.summary_object());
        Ok(response)
    }

    fn each_row(&self, after: i64, mut work: impl FnMut(StagedRow) -> Result<()>) -> Result<()> {
        let mut after = after;
        loop {
            let rows = self.staging.rows(after, BATCH)?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.line;
            rows.into_iter().try_for_each(&mut work)?;
        }
    }

    /// Takes out the rows whose address would then belong to two people. Taking one out leaves its person's addresses
    /// as they are, which may bar another row; so the rows that claim one of those are looked at again. Each person
    /// falls out once, so the work grows with the addresses and not with their square.
    fn take_out_conflicts(&mut self, session: &Session, errors: &mut Vec<Error>) -> Result<()> {
        let mut again = Vec::new();
        let mut after = 0;
        loop {
            let rows = self.staging.rows(after, BATCH)?;
            let Some(last) = rows.last() else { break };
            after = last.line;
            self.look_at(session, &rows, &mut again, errors)?;
        }
        while !again.is_empty() {
            let mut rows = Vec::new();
            while rows.len() < BATCH
                && let Some(guid) = again.pop()
            {
                rows.extend(self.staging.row(&guid)?);
            }
            self.look_at(session, &rows, &mut again, errors)?;
        }
        Ok(())
    }

    /// Takes out the barred ones of a batch, and notes in `again` whom that may bar. A batch is a snapshot of its own:
    /// one over the whole input would keep the store's log from being folded in for as long.
    fn look_at(
        &mut self,
        session: &Session,
        rows: &[StagedRow],
        again: &mut Vec<RecipientGuid>,
        errors: &mut Vec<Error>,
    ) -> Result<()> {
        self.looked_at += rows.len() as u64;
        let (staging, failed) = (&self.staging, &mut self.counts.failed);
        session.read(|tx| {
            for row in rows {
                // One that is noted twice may have fallen out already.
                if staging.line_of(&row.guid)?.is_none() {
                    continue;
                }
                let Some(error) = row_conflict(tx, staging, row)? else { continue };
                staging.remove(&row.guid)?;
                *failed += 1;
                errors.push(error);
                for kept in tx.smtp_keys(&row.guid)? {
                    again.extend(staging.holder(&kept)?);
                }
            }
            Ok(())
        })
    }

    /// Marks the recipients that a prune would remove, or returns why it is refused.
    fn find_absent(&self, tx: &Tx<'_>, force: bool) -> Result<Option<Error>> {
        let refused = |why: String| Some(Error::new(Status::PruneRefused, format!("Nobody was removed: {why}.")));
        if self.counts.failed > 0 {
            return Ok(refused(format!(
                "{} rows of the input could not be taken, so it cannot tell who is absent. Mend them and import again",
                self.counts.failed
            )));
        }
        if self.staging.count()? == 0 {
            return Ok(refused("the input is empty".into()));
        }
        self.staging.clear_absent()?;
        let mut after = RecipientGuid::default();
        loop {
            let page = tx.recipient_guids(&after, BATCH)?;
            let Some(last) = page.last() else { break };
            after.clone_from(last);
            for guid in &page {
                let enabled = tx.um_mailbox(guid)?.is_some_and(|m| m.is_enabled());
                if !enabled && self.staging.line_of(guid)?.is_none() {
                    self.staging.add_absent(guid)?;
                }
            }
        }
        let (absent, all) = (self.staging.absent_count()?, tx.recipient_count()?);
        if absent * PRUNE_SHARE > all && !force {
            return Ok(refused(format!(
                "{absent} of {all} recipients are absent from the input, more than a tenth. If that is meant, use \
                 -Force"
            )));
        }
        Ok(None)
    }
}

/// Why a row cannot be taken: somebody who is not in the input (any more) has one of its addresses.
fn row_conflict(tx: &Tx<'_>, staging: &Staging, row: &StagedRow) -> Result<Option<Error>> {
    let r = read_back(row)?;
    for a in r.addresses.iter().filter(|a| a.prefix == "smtp") {
        for holder in tx.smtp_holders(&a.address)? {
            if holder != row.guid && staging.line_of(&holder)?.is_none() {
                let other = tx.recipient(&holder)?.map_or_else(|| holder.to_string(), |r| r.canonical_name);
                let why = format!("the address {} belongs to {other}", a.address);
                return Ok(Some(row_error(&format!("position {}", row.line), &r.name, &why)));
            }
        }
    }
    Ok(None)
}

enum Verdict {
    Add(Box<Recipient>),
    Update(Box<Recipient>),
    Same,
}

impl Verdict {
    fn count(&self, counts: &mut Counts) {
        match self {
            Verdict::Add(_) => counts.added += 1,
            Verdict::Update(_) => counts.updated += 1,
            Verdict::Same => counts.unchanged += 1,
        }
    }
}

fn compare(tx: &Tx<'_>, row: &StagedRow) -> Result<Verdict> {
    let mut new = read_back(row)?;
    Ok(match tx.recipient(&row.guid)? {
        None => Verdict::Add(Box::new(new)),
        Some(old) => {
            new.when_created = old.when_created;
            new.when_changed = old.when_changed;
            // A person who lost the look-up keys is written anew, too: that is how they come back.
            if new == old && tx.has_its_keys(&old)? { Verdict::Same } else { Verdict::Update(Box::new(new)) }
        }
    })
}

/// Removes people who still are absent from unified messaging; what was kept of a disabled mailbox goes with them.
fn remove(c: &Change<'_>, guids: &[RecipientGuid]) -> Result<u64> {
    let mut removed = 0;
    for guid in guids {
        if c.tx.um_mailbox(guid)?.is_some_and(|m| m.is_enabled()) {
            continue;
        }
        c.tx.erase_um_mailbox(guid)?;
        c.tx.remove_recipient(guid)?;
        removed += 1;
    }
    Ok(removed)
}

fn row_error(place: &str, name: &str, why: &str) -> Error {
    let who = if name.is_empty() { String::new() } else { format!(" ('{name}')") };
    Error::new(Status::ImportRow, format!("The row at {place}{who} was not imported: {why}. {OTHERS_GO_ON}"))
        .about(place)
}

fn stage_row(
    staging: &Staging,
    counts: &mut Counts,
    number: i64,
    place: &str,
    row: std::result::Result<Recipient, String>,
    errors: &mut Vec<Error>,
) -> Result<()> {
    counts.read += 1;
    let mut fail = |name: &str, why: &str| {
        counts.failed += 1;
        errors.push(row_error(place, name, why));
    };
    let r = match row {
        Ok(r) => r,
        Err(why) => {
            fail("", &why);
            return Ok(());
        }
    };
    if staging.line_of(&r.guid)?.is_some() {
        fail(&r.name, &format!("the GUID {} stands in the input already", r.guid));
        return Ok(());
    }
    // As the store folds them, so that the check finds who claims an address that somebody keeps.
    let addresses: Vec<String> = r.addresses.iter().filter(|a| a.prefix == "smtp").map(|a| fold(&a.address)).collect();
    for address in &addresses {
        if let Some(other) = staging.holder(address)? {
            fail(&r.name, &format!("the address {address} belongs to {other} in the same input"));
            return Ok(());
        }
    }
    let document = write_down(&r).to_string();
    let row = StagedRow { line: number, guid: r.guid.clone(), document };
    staging.add(&row, &fold(&r.canonical_name), &addresses)
}

fn values_of(object: &Value) -> std::result::Result<Vec<(Field, Vec<String>)>, String> {
    let object = object.as_object().ok_or("it is not an object")?;
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Ok(object
        .iter()
        .filter_map(|(name, value)| {
            let texts = match value {
                Value::Array(list) => list.iter().filter_map(text).collect(),
                other => text(other).into_iter().collect(),
            };
            field(name).map(|f| (f, texts))
        })
        .collect())
}

fn write_down(r: &Recipient) -> Value {
    let addresses: Vec<Value> = r.addresses.iter().map(|a| json!([a.prefix, a.address, a.is_primary])).collect();
    json!([
        r.guid,
        r.name,
        r.display_name,
        r.first_name,
        r.last_name,
        r.alias,
        r.sam_account_name,
        r.user_principal_name,
        r.primary_smtp_address,
        r.legacy_exchange_dn,
        r.distinguished_name,
        r.canonical_name,
        r.phone,
        r.linked_master_account,
        r.server_name,
        r.server_legacy_dn,
        r.language,
        r.netbios_domain,
        addresses
    ])
}

fn read_back(row: &StagedRow) -> Result<Recipient> {
    let broken = || Error::new(Status::Internal, "A staged row cannot be read back. Nothing more was imported.");
    let v: Value = serde_json::from_str(&row.document).map_err(|_| broken())?;
    let t = |at: usize| v[at].as_str().unwrap_or_default().to_owned();
    Ok(Recipient {
        guid: RecipientGuid::known(t(0)),
        name: t(1),
        display_name: t(2),
        first_name: t(3),
        last_name: t(4),
        alias: t(5),
        sam_account_name: t(6),
        user_principal_name: t(7),
        primary_smtp_address: t(8),
        legacy_exchange_dn: t(9),
        distinguished_name: t(10),
        canonical_name: t(11),
        phone: t(12),
        linked_master_account: t(13),
        server_name: t(14),
        server_legacy_dn: t(15),
        language: t(16),
        netbios_domain: t(17),
        addresses: v[18]
            .as_array()
            .ok_or_else(broken)?
            .iter()
            .map(|a| ProxyAddress {
                prefix: a[0].as_str().unwrap_or_default().to_owned(),
                address: a[1].as_str().unwrap_or_default().to_owned(),
                is_primary: a[2].as_bool().unwrap_or_default(),
            })
            .collect(),
        when_created: 0,
        when_changed: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pin::PinPolicy;
    use crate::session::Cause;
    use crate::support::Fixture;

    fn person(n: usize, address: usize) -> Recipient {
        let object = json!({
            "ObjectGUID": format!("00000000-0000-0000-0000-{n:012}"),
            "Name": format!("Person {n}"),
            "proxyAddresses": [format!("SMTP:p{address}@contoso.com")],
        });
        row::recipient(&values_of(&object).unwrap()).unwrap()
    }

    /// How many rows the check looks at when everybody's address slipped to the one above and the last is not in the
    /// input, so that each row that falls out makes just one other fall.
    fn looked_at(people: usize) -> u64 {
        let Fixture { session, folder: _folder, .. } = Fixture::new(PinPolicy::default(), 0);
        session
            .change(Mode::Commit, &Cause::new("Test"), |c| {
                (0..=people).try_for_each(|n| c.tx.put_recipient(&person(n, n)))
            })
            .unwrap();
        let mut import = Import::new().unwrap();
        let mut errors = Vec::new();
        let Import { staging, counts, .. } = &mut import;
        for n in 0..people {
            stage_row(staging, counts, n as i64 + 1, "test", Ok(person(n, n + 1)), &mut errors).unwrap();
        }
        assert!(errors.is_empty());
        import.take_out_conflicts(&session, &mut errors).unwrap();
        assert_eq!((errors.len(), import.counts.failed), (people, people as u64));
        assert_eq!(import.staging.count().unwrap(), 0);
        import.looked_at
    }

    #[test]
    fn a_primary_address_outside_the_list_bars_a_row_behind_one_that_fell_out() {
        let Fixture { session, folder: _folder, .. } = Fixture::new(PinPolicy::default(), 0);
        // Person 1 wants what person 3 keeps, person 2 wants what person 1 then keeps.
        let kept = Recipient { addresses: Vec::new(), ..person(1, 1) };
        session
            .change(Mode::Commit, &Cause::new("Test"), |c| {
                c.tx.put_recipient(&kept)?;
                c.tx.put_recipient(&person(3, 3))
            })
            .unwrap();
        let mut import = Import::new().unwrap();
        let mut errors = Vec::new();
        // Person 2 is looked at while person 1 is in, so only the second look can bar that row.
        for (line, row) in [(1, person(2, 1)), (2, person(1, 3))] {
            stage_row(&import.staging, &mut import.counts, line, "test", Ok(row), &mut errors).unwrap();
        }
        import.take_out_conflicts(&session, &mut errors).unwrap();
        assert_eq!(errors.iter().map(|e| e.target.as_str()).collect::<Vec<_>>(), ["position 2", "position 1"]);
    }

    #[test]
    fn the_check_of_a_column_that_slipped_by_a_row_grows_with_its_rows_and_not_with_their_square() {
        let (few, many) = (looked_at(500), looked_at(2_000));
        assert!(many <= 5 * few, "{few} rows looked at for 500, {many} for 2,000");
    }
}
