//! Import-UMRecipient: read whole into a staging table, then applied in batches, each a transaction.
//!
//! Steps (parameter `Step`): `Begin` gives an id; `Read` (a file, repeated while `Next`) and `Rows` (piped objects)
//! stage; `Check` (repeated while `Next`) refuses the rows that cannot all be taken; `Apply` counts under Validate and
//! applies under Commit (repeated while `Next`); `End` drops the staging. `Apply` does by itself what was not checked,
//! and has its errors in memory all at once.

use crate::guid::RecipientGuid;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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
use crate::store::recipients::Stored;
use crate::store::staging::{Claim, Placed, StagedRow, Staging};

/// Rows in one answer.
const BATCH: usize = 500;
/// Rows in one transaction: each of them changes another page of the index of GUIDs, and fewer commits write the same
/// page less often.
const MOST_APPLIED: usize = 20_000;
/// And at least, where the disk is slow.
const FEWEST_APPLIED: usize = 2_000;
/// A transaction ends with the row behind this time where somebody waits for it.
const LONGEST_AWAITED: Duration = Duration::from_millis(50);
/// Behind that, how often it looks whether somebody does.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// It ends behind this time in any case: not everybody who waits is heard.
const LONGEST_APPLIED: Duration = Duration::from_secs(1);
/// Where the end of a transaction takes longer, the next one has half as many rows: who waits by then waits for it all.
const LONGEST_ENDED: Duration = Duration::from_millis(400);
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
    number: i64,
    check: Check,
    /// People whose row is to be looked at again.
    again: Vec<RecipientGuid>,
    /// How many rows there are to apply.
    total: i64,
    /// How many rows the next transaction may have.
    most: usize,
    /// When the next transaction ends where somebody waits.
    longest_awaited: Duration,
    /// And in any case.
    longest_applied: Duration,
    /// The last row that was applied: in the order of the store's own tree, so that a batch changes few of its pages.
    /// A directory is exported in no such order.
    applied_to: i64,
    pruned_to: RecipientGuid,
    prune: Option<bool>,
    counts: Counts,
    /// The rows that the check refused and nobody was told of yet, by their places in the input.
    refused: Vec<(i64, Error)>,
    /// How many addresses the check looked at, one looked at twice counted twice.
    looked_at: u64,
}

/// How far the check is.
#[derive(Clone)]
enum Check {
    /// Rows still come.
    Open,
    /// Rows that share something with another were looked at, up to this number.
    Twice(i64),
    /// Addresses were looked for in the store, up to this one.
    Held(String, i64),
    /// No row is taken out any more.
    Done,
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
        "Check" => import.check(session),
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
            number: 0,
            check: Check::Open,
            again: Vec::new(),
            total: 0,
            most: MOST_APPLIED,
            longest_awaited: LONGEST_AWAITED,
            longest_applied: LONGEST_APPLIED,
            applied_to: 0,
            pruned_to: RecipientGuid::default(),
            prune: None,
            counts: Counts::default(),
            refused: Vec::new(),
            looked_at: 0,
        })
    }

    /// Stages the next rows of a file.
    fn read(&mut self, path: &Path) -> Result<Response> {
        self.refuse_more()?;
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
        for (line, values) in batch {
            let row = values.and_then(|v| row::recipient(&v));
            self.stage(i64::try_from(line).ok(), row, &mut response.errors)?;
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
        self.refuse_more()?;
        let mut response = Response::default();
        for object in rows {
            let row = values_of(object).and_then(|v| row::recipient(&v));
            self.stage(None, row, &mut response.errors)?;
        }
        Ok(response)
    }

    fn refuse_more(&self) -> Result<()> {
        match self.check {
            Check::Open => Ok(()),
            _ => Err(Error::new(
                Status::InvalidRequest,
                "The rows of this import are being checked, and no more can come. Nothing was changed.",
            )),
        }
    }

    /// Takes a row in, to be checked when all are there. Rows of several files or pipes must stay apart, so they are
    /// numbered here.
    fn stage(
        &mut self,
        line: Option<i64>,
        row: std::result::Result<Recipient, String>,
        errors: &mut Vec<Error>,
    ) -> Result<()> {
        self.number += 1;
        self.counts.read += 1;
        match row {
            Ok(r) => {
                let document = write_down(&r).to_string();
                let row = StagedRow { number: self.number, line, guid: r.guid.clone(), document };
                self.staging.add(&row, &fold(&r.canonical_name), &claimed(&r))
            }
            Err(why) => {
                self.counts.failed += 1;
                errors.push(row_error(&place(line, self.number), "", &why));
                Ok(())
            }
        }
    }

    /// The next part of the check, and the rows that it refuses.
    fn check(&mut self, session: &Session) -> Result<Response> {
        self.check_on(session)?;
        let mut response = Response { errors: in_order(std::mem::take(&mut self.refused)), ..Response::default() };
        if !matches!(self.check, Check::Done) {
            response.next = Some("more".into());
        }
        Ok(response)
    }

    /// One part of the check. What it refuses is kept until somebody is told, also where the part fails: those rows are
    /// out, and a second attempt would not report them.
    fn check_on(&mut self, session: &Session) -> Result<()> {
        self.check = match self.check.clone() {
            Check::Open => {
                self.staging.find_suspects()?;
                Check::Twice(0)
            }
            Check::Twice(after) => {
                let rows = self.staging.suspects(after, BATCH)?;
                for row in &rows {
                    self.take_out_if_again(row)?;
                }
                rows.last().map_or_else(|| Check::Held(String::new(), 0), |last| Check::Twice(last.number))
            }
            Check::Held(address, number) => {
                let claims = self.staging.claims(&(address.clone(), number), BATCH)?;
                if let Some(last) = claims.last() {
                    self.take_out_barred(session, &claims)?;
                    Check::Held(last.address.clone(), last.number)
                } else if self.again.is_empty() {
                    self.staging.sort()?;
                    self.total = self.staging.count()?;
                    Check::Done
                } else {
                    let rows = self.again.split_off(self.again.len().saturating_sub(BATCH));
                    if let Err(e) = self.look_again(session, &rows) {
                        self.again.extend(rows);
                        return Err(e);
                    }
                    Check::Held(address, number)
                }
            }
            Check::Done => Check::Done,
        };
        Ok(())
    }

    /// Takes a row out whose person, or one of whose addresses, a row in front of it has. In the order of the input, so
    /// that one that fell out has nothing.
    fn take_out_if_again(&mut self, row: &StagedRow) -> Result<()> {
        let r = read_back(&row.document)?;
        let mut why = self.staging.is_again(row)?.then(|| format!("the GUID {} stands in the input already", row.guid));
        for address in claimed(&r) {
            if why.is_none()
                && let Some(other) = self.staging.holder(&address, row.number)?
            {
                why = Some(format!("the address {address} belongs to {other} in the same input"));
            }
        }
        let Some(why) = why else { return Ok(()) };
        self.take_out(row, &r, row_error(&place(row.line, row.number), &r.name, &why))
    }

    fn take_out(&mut self, row: &StagedRow, r: &Recipient, why: Error) -> Result<()> {
        self.staging.remove(row, &claimed(r))?;
        self.counts.failed += 1;
        self.refused.push((row.number, why));
        Ok(())
    }

    /// Takes out the rows whose address would then belong to two people. Taking one out leaves its person's addresses
    /// as they are, which may bar another row; so the rows that claim one of those are looked at again. Each person
    /// falls out once, so the work grows with the addresses and not with their square. A batch is a snapshot of its
    /// own: one over the whole input would keep the store's log from being folded in for as long.
    fn take_out_barred(&mut self, session: &Session, claims: &[Claim]) -> Result<()> {
        session.read(|tx| {
            for Claim { address, guid, .. } in claims {
                self.looked_at += 1;
                let Some(why) = barred(tx, &self.staging, guid, address)? else { continue };
                // Another of its addresses may have taken it out already.
                let Some(row) = self.staging.row(guid)? else { continue };
                let r = read_back(&row.document)?;
                let error = row_error(&format!("position {}", row.number), &r.name, &why);
                self.take_out(&row, &r, error)?;
                for kept in tx.smtp_keys(guid)? {
                    self.again.extend(self.staging.holder(&kept, i64::MAX)?);
                }
            }
            Ok(())
        })
    }

    fn look_again(&mut self, session: &Session, people: &[RecipientGuid]) -> Result<()> {
        let mut claims = Vec::new();
        for guid in people {
            if let Some(row) = self.staging.row(guid)? {
                let addresses = claimed(&read_back(&row.document)?).into_iter();
                claims.extend(addresses.map(|address| Claim { address, number: row.number, guid: guid.clone() }));
            }
        }
        self.take_out_barred(session, &claims)
    }

    fn apply_rows(&mut self, session: &Session, request: &Request, force: bool) -> Result<Response> {
        let mut response = Response::default();
        while !matches!(self.check, Check::Done) {
            self.check_on(session)?;
        }
        let prune = self.prune == Some(true);
        if request.mode == Mode::Validate {
            response.errors = in_order(self.refused.clone());
            let (refusal, mut counts) = session.read(|tx| {
                let mut counts = self.counts;
                self.each_row(|guid, document| {
                    compare(tx, guid, document).map(|(verdict, _)| verdict.count(&mut counts))
                })?;
                Ok((if prune { self.find_absent(tx, force)? } else { None }, counts))
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

        let first = self.staging.rows(self.applied_to, BATCH)?;
        if !first.is_empty() {
            session.make_room();
            let (done, last, worked) = session.change(Mode::Commit, &request.cause, |c| {
                let (done, last) = self.apply_some(session, c, &first)?;
                Ok((done, last, Instant::now()))
            })?;
            self.most = most_behind(self.most, worked.elapsed());
            self.counts = done;
            self.applied_to = last;
            let applied = done.added + done.updated + done.unchanged;
            response.progress = Some((applied, u64::try_from(self.total).unwrap_or_default()));
            response.errors.extend(in_order(std::mem::take(&mut self.refused)));
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
        response.errors.extend(in_order(std::mem::take(&mut self.refused)));
        response.objects.push(self.counts.summary_object());
        Ok(response)
    }

    /// Applies rows in order, from the ones that are given, until there are enough of them or somebody waits. How many
    /// there are by then, and the last one.
    fn apply_some(&self, session: &Session, c: &Change<'_>, first: &[Placed]) -> Result<(Counts, i64)> {
        let (mut counts, mut last) = (self.counts, self.applied_to);
        let since = Instant::now();
        let mut look = since + self.longest_awaited;
        let mut read: Vec<Placed>;
        let mut rows = first;
        let mut left = self.most;
        while !rows.is_empty() && left > 0 {
            for (at, guid, document) in rows {
                let (verdict, old) = compare(c.tx, guid, document)?;
                verdict.count(&mut counts);
                if let Verdict::Add(mut r) | Verdict::Update(mut r) = verdict {
                    r.when_changed = c.now;
                    if r.when_created == 0 {
                        r.when_created = c.now;
                    }
                    c.tx.replace_recipient(old.as_ref(), &r)?;
                }
                last = *at;
                let now = Instant::now();
                if now >= look {
                    if now >= since + self.longest_applied || session.is_awaited() {
                        return Ok((counts, last));
                    }
                    look = now + LOOK_EVERY;
                }
            }
            left = left.saturating_sub(rows.len());
            read = self.staging.rows(last, BATCH)?;
            rows = &read;
        }
        Ok((counts, last))
    }

    fn each_row(&self, mut work: impl FnMut(&RecipientGuid, &str) -> Result<()>) -> Result<()> {
        let mut after = 0;
        loop {
            let rows = self.staging.rows(after, BATCH)?;
            let Some((last, ..)) = rows.last() else { return Ok(()) };
            after = *last;
            rows.iter().try_for_each(|(_, guid, document)| work(guid, document))?;
        }
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
        if self.total == 0 {
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
                if !enabled && !self.staging.has(guid)? {
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

/// Why somebody cannot have an address: another who is not in the input (any more) has it.
fn barred(tx: &Tx<'_>, staging: &Staging, guid: &RecipientGuid, address: &str) -> Result<Option<String>> {
    for holder in tx.smtp_holders(address)? {
        if holder != *guid && !staging.has(&holder)? {
            let other = tx.recipient(&holder)?.map_or_else(|| holder.to_string(), |r| r.canonical_name);
            return Ok(Some(format!("the address {address} belongs to {other}")));
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

/// What is to be done about a row, and whom the store has.
fn compare(tx: &Tx<'_>, guid: &RecipientGuid, document: &str) -> Result<(Verdict, Option<Stored>)> {
    let mut new = read_back(document)?;
    let stored = tx.stored_recipient(guid)?;
    let Some(Stored { recipient: old, .. }) = &stored else { return Ok((Verdict::Add(Box::new(new)), None)) };
    new.when_created = old.when_created;
    new.when_changed = old.when_changed;
    // A person who lost the look-up keys is written anew, too: that is how they come back.
    let same = new == *old && tx.has_its_keys(old)?;
    Ok((if same { Verdict::Same } else { Verdict::Update(Box::new(new)) }, stored))
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

/// What was refused, in the order of the input.
fn in_order(mut refused: Vec<(i64, Error)>) -> Vec<Error> {
    refused.sort_by_key(|(number, _)| *number);
    refused.into_iter().map(|(_, why)| why).collect()
}

/// Where a row stands, as errors say it.
fn place(line: Option<i64>, number: i64) -> String {
    line.map_or_else(|| format!("object {number}"), |line| format!("line {line}"))
}

/// The addresses that a person's row claims, as the store folds them, so that the check finds who has them.
fn claimed(r: &Recipient) -> Vec<String> {
    r.addresses.iter().filter(|a| a.prefix == "smtp").map(|a| fold(&a.address)).collect()
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

/// How many rows the next transaction may have, behind one whose end took so long.
fn most_behind(most: usize, end: Duration) -> usize {
    let wanted = if end > LONGEST_ENDED { most / 2 } else { most.saturating_mul(2) };
    wanted.clamp(FEWEST_APPLIED, MOST_APPLIED)
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

fn read_back(document: &str) -> Result<Recipient> {
    let broken = || Error::new(Status::Internal, "A staged row cannot be read back. Nothing more was imported.");
    let v: Value = serde_json::from_str(document).map_err(|_| broken())?;
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

    /// An import of these rows behind its check, and what that refused.
    fn checked(session: &Session, rows: Vec<Recipient>) -> (Import, Vec<Error>) {
        let mut import = Import::new().unwrap();
        let mut errors = Vec::new();
        for row in rows {
            import.stage(None, Ok(row), &mut errors).unwrap();
        }
        assert!(errors.is_empty());
        loop {
            let response = import.check(session).unwrap();
            errors.extend(response.errors);
            if response.next.is_none() {
                return (import, errors);
            }
        }
    }

    #[test]
    fn sorted_rows_are_refused_as_if_each_was_compared_with_all_in_front_of_it() {
        let Fixture { session, folder: _folder, .. } = Fixture::new(PinPolicy::default(), 0);
        let mut state: u64 = 14;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for _ in 0..60 {
            let rows: Vec<(usize, Vec<usize>)> =
                (0..1 + random(12)).map(|_| (random(8), (0..1 + random(3)).map(|_| random(10)).collect())).collect();
            let mut taken: Vec<&(usize, Vec<usize>)> = Vec::new();
            let mut refused = Vec::new();
            for (at, row) in rows.iter().enumerate() {
                if taken.iter().any(|t| t.0 == row.0 || t.1.iter().any(|address| row.1.contains(address))) {
                    refused.push(format!("object {}", at + 1));
                } else {
                    taken.push(row);
                }
            }
            let people = rows.iter().map(|(n, addresses)| Recipient {
                addresses: addresses.iter().flat_map(|a| person(*n, *a).addresses).collect(),
                ..person(*n, addresses[0])
            });
            let (import, errors) = checked(&session, people.collect());
            assert_eq!(errors.into_iter().map(|e| e.target).collect::<Vec<_>>(), refused, "{rows:?}");
            assert_eq!(usize::try_from(import.total).unwrap(), taken.len());
        }
    }

    /// How many addresses the check looks at when everybody's address slipped to the one above and the last is not in
    /// the input, so that each row that falls out makes just one other fall.
    fn looked_at(people: usize) -> u64 {
        let Fixture { session, folder: _folder, .. } = Fixture::new(PinPolicy::default(), 0);
        session
            .change(Mode::Commit, &Cause::new("Test"), |c| {
                (0..=people).try_for_each(|n| c.tx.put_recipient(&person(n, n)))
            })
            .unwrap();
        let rows: Vec<Recipient> = (0..people).map(|n| person(n, n + 1)).collect();
        let (import, errors) = checked(&session, rows);
        assert_eq!((errors.len(), import.counts.failed), (people, people as u64));
        assert_eq!(import.total, 0);
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
        // Person 2 is looked at while person 1 is in, so only the second look can bar that row.
        let (_, errors) = checked(&session, vec![person(2, 1), person(1, 3)]);
        assert_eq!(errors.iter().map(|e| e.target.as_str()).collect::<Vec<_>>(), ["position 2", "position 1"]);
    }

    #[test]
    fn the_check_of_a_column_that_slipped_by_a_row_grows_with_its_rows_and_not_with_their_square() {
        let (few, many) = (looked_at(500), looked_at(2_000));
        assert!(many <= 5 * few, "{few} rows looked at for 500, {many} for 2,000");
    }

    /// An import of so many people behind its check, and what the last step asks.
    fn ready(session: &Session, people: usize) -> (Import, Request) {
        let (import, errors) = checked(session, (0..people).map(|n| person(n, n)).collect());
        assert!(errors.is_empty());
        let document = json!({"Mode": "Commit", "Parameters": {}});
        (import, Request::new("Import-UMRecipient", &document, None).unwrap())
    }

    #[cfg(unix)]
    #[test]
    fn nobody_waits_so_that_a_transaction_has_all_the_rows_that_it_may() {
        let Fixture { session, folder: _folder, .. } = Fixture::new(PinPolicy::default(), 0);
        let (mut import, request) = ready(&session, 1_200);
        import.longest_awaited = Duration::ZERO;
        import.longest_applied = Duration::from_secs(600);
        import.most = 1_000;
        for there in [1_000, 1_200] {
            import.apply_rows(&session, &request, false).unwrap();
            assert_eq!(session.read(|tx| tx.recipient_count()).unwrap(), there);
        }
        assert!(import.apply_rows(&session, &request, false).unwrap().next.is_none());
        assert_eq!(import.counts.added, 1_200);
    }

    #[test]
    fn a_transaction_ends_in_time_where_nobody_is_heard_and_has_fewer_rows_where_the_disk_is_slow() {
        let Fixture { session, folder: _folder, .. } = Fixture::new(PinPolicy::default(), 0);
        let (mut import, request) = ready(&session, 10);
        (import.longest_awaited, import.longest_applied) = (Duration::ZERO, Duration::ZERO);
        import.apply_rows(&session, &request, false).unwrap();
        assert_eq!(session.read(|tx| tx.recipient_count()).unwrap(), 1);
        let (slow, quick) = (LONGEST_ENDED + Duration::from_millis(1), LONGEST_ENDED);
        assert_eq!([20_000, 3_000, 2_000].map(|most| most_behind(most, slow)), [10_000, 2_000, 2_000]);
        assert_eq!([2_000, 15_000, 20_000].map(|most| most_behind(most, quick)), [4_000, 20_000, 20_000]);
    }

    #[test]
    fn a_transaction_ends_where_another_session_waits_or_another_thread_of_this_one() {
        for is_another in [true, false] {
            let Fixture { session, folder, .. } = Fixture::new(PinPolicy::default(), 0);
            let at = |name: &str| Some(folder.path().join(name));
            let another = Session::open(at("um.db"), at("umpin.key"), None).unwrap();
            let other = if is_another { &another } else { &session };
            let (mut import, _) = ready(&session, 10);
            import.longest_awaited = Duration::ZERO;
            let first = import.staging.rows(0, BATCH).unwrap();
            let (counts, last) = std::thread::scope(|scope| {
                session.change(Mode::Commit, &Cause::new("Test"), |c| {
                    assert!(cfg!(windows) || !session.is_awaited());
                    let theirs = || other.change(Mode::Commit, &Cause::new("Test"), |c| c.audit("theirs", "")).unwrap();
                    scope.spawn(theirs);
                    let since = Instant::now();
                    while !session.is_awaited() && since.elapsed() < Duration::from_secs(60) {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    import.apply_some(&session, c, &first)
                })
            })
            .unwrap();
            assert_eq!((counts.added, last), (1, first[0].0));
            assert_eq!(session.read(|tx| tx.recipient_count()).unwrap(), 1);
        }
    }
}
