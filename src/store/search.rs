//! Finding people: what an index finds, and walks over everybody in a list's order.
//!
//! An index finds a few candidates, or says that there are too many of them to be worth it; then everybody is walked
//! over in order instead. Either way whoever asks looks at each person again, so an index may find more than was meant,
//! but must miss nobody.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::Tx;
use super::engine::{FromColumn, Row, Value, damaged_row, params, params_of};
use super::mailboxes::Numbered;
use super::recipients::{after_all, form, proxy_addresses, space};
use super::statements::Statements;
use crate::directory::identity::{fold, fold_case};
use crate::directory::recipient::{Recipient, proxy_text};
use crate::error::Result;
use crate::guid::{DialPlanGuid, PolicyGuid, RecipientGuid};
use crate::store::recipients::Order;

/// A folded text that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Just this one.
    Text(String),
    /// All that begin so.
    Beginning(String),
}

/// What an index finds people by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Clue {
    /// A name, alias, account name or mail address.
    Word(Wanted),
    /// A canonical name.
    Canonical(Wanted),
    /// A distinguished name or legacy DN.
    Path(Wanted),
    /// A proxy address of another kind than SMTP and EUM, with its prefix.
    Address(Wanted),
    /// A number that signs in.
    Number(Wanted),
    /// The person's own GUID.
    Guid(RecipientGuid),
    /// The policy of an enabled mailbox.
    Policy(PolicyGuid),
    /// The plan of an enabled mailbox's policy.
    DialPlan(DialPlanGuid),
}

/// Which people a list or a completion is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    /// All of the directory.
    Everybody,
    /// Those whose mailbox is enabled.
    UmEnabled,
}

/// Where a walk stands: the order's text and the person's number.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The text that the list is sorted by, folded.
    pub key: String,
    /// The store's own number of the person.
    pub id: i64,
}

/// One person on a walk: the columns that were asked for, in that order.
pub(crate) struct Passer<'a> {
    row: &'a Row<'a>,
    /// Where the walk stands now.
    pub place: Place,
    /// The store's own number of an enabled mailbox's policy ([`Tx::numbered_policies`]).
    pub policy: Option<i64>,
    /// Where a scan read them already.
    addresses: Option<Addresses<'a>>,
}

/// What a scan read of one person, each with the person's number.
#[derive(Clone, Copy)]
struct Addresses<'a> {
    /// As texts.
    proxies: &'a [(i64, String)],
    numbers: &'a [(i64, Numbered)],
}

/// Which addresses somebody is asked for, so that a scan reads no others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    /// Proxy addresses.
    pub proxies: bool,
    /// Numbers that sign in.
    pub numbers: bool,
}

impl<'a> Passer<'a> {
    fn read(row: &'a Row<'a>) -> Result<Self> {
        let id = row.next("number")?;
        let place = Place { key: row.next("place")?, id };
        Ok(Self { place, policy: row.next("policy_id")?, row, addresses: None })
    }

    /// The person's proxy addresses as texts, each with the person's number.
    pub(crate) fn proxy_texts(&self, tx: &Tx<'_>) -> Result<Cow<'_, [(i64, String)]>> {
        Ok(match self.addresses {
            Some(read) => Cow::Borrowed(read.proxies),
            None => Cow::Owned(
                proxy_addresses(tx, self.place.id)?.iter().map(|address| (self.place.id, address.text())).collect(),
            ),
        })
    }

    /// The person's numbers in the same way.
    pub(crate) fn numbers(&self, tx: &Tx<'_>) -> Result<Cow<'_, [(i64, Numbered)]>> {
        Ok(match self.addresses {
            Some(read) => Cow::Borrowed(read.numbers),
            None => Cow::Owned(tx.um_addresses_by_id(self.place.id)?),
        })
    }

    /// Column `at` of those that were asked for.
    pub(crate) fn text(&self, at: usize) -> Result<&str> {
        self.row.cell(FIRST_ASKED + at)?.text().ok_or_else(damaged_row)
    }
}

/// Columns of the statements that come before those that were asked for.
const FIRST_ASKED: usize = 3;
/// People whose addresses a scan has in memory at once. (Few in this crate's own tests.)
const CHUNK: i64 = if cfg!(test) { 5 } else { 2_000 };

/// A table and what in it gives an order.
struct Listed {
    from: &'static str,
    key: &'static str,
    id: &'static str,
    /// With AND behind it, where there is one.
    filter: String,
}

/// Takes one person's off the front of what is sorted by person.
fn of_person<'r, T>(rest: &mut &'r [(i64, T)], id: i64) -> &'r [(i64, T)] {
    let before = rest.iter().take_while(|(whose, _)| *whose < id).count();
    let his = rest[before..].iter().take_while(|(whose, _)| *whose == id).count();
    let (found, behind) = rest[before..].split_at(his);
    *rest = behind;
    found
}

impl Order {
    /// The column of a person that gives the text.
    fn column(self) -> &'static str {
        match self {
            Order::CanonicalName => "canonical_name",
            Order::Name => "name",
            Order::DisplayName => "display_name",
            Order::ServerLegacyDn => "server_legacy_dn",
        }
    }

    /// What lists people in this order.
    fn listed(self) -> Listed {
        let (space, form) = match self {
            Order::ServerLegacyDn => {
                let (key, id) = ("r.server_legacy_dn", "r.id");
                return Listed { from: "recipient r", key, id, filter: String::new() };
            }
            Order::CanonicalName => (space::CANONICAL, form::CANONICAL),
            Order::Name => (space::WORDS, form::NAME),
            Order::DisplayName => (space::WORDS, form::DISPLAY),
        };
        let filter = format!("k.space = {space} AND (k.forms & {form}) <> 0 AND ");
        Listed { from: "recipient_key k", key: "k.key", id: "k.recipient_id", filter }
    }

    /// The text that a person is sorted by.
    fn key(self, text: &str) -> String {
        match self {
            // Sorted as it is stored; there are few of them.
            Order::ServerLegacyDn => text.to_owned(),
            _ => fold(text),
        }
    }
}

impl Tx<'_> {
    /// The numbers of the people that a clue finds; `None` where there are more than `most`.
    pub(crate) fn candidates(&self, clue: &Clue, most: usize) -> Result<Option<BTreeSet<i64>>> {
        let mut found = BTreeSet::new();
        let (statement, parameters) = statement(clue);
        self.query_while(&statement, &params_of(&parameters), |row| {
            found.insert(row.get::<i64>("recipient_id")?);
            Ok(found.len() <= most)
        })?;
        Ok((found.len() <= most).then_some(found))
    }

    /// The places of candidates in an order.
    pub(crate) fn places(&self, ids: &[i64], order: Order) -> Result<Vec<Place>> {
        let statement = format!("SELECT {} AS text FROM recipient WHERE id = ?1", order.column());
        let mut places = Vec::with_capacity(ids.len());
        for id in ids {
            let text: Option<String> = self.query_optional(&statement, params![id], |r| r.get("text"))?;
            places.extend(text.map(|text| Place { key: order.key(&text), id: *id }));
        }
        places.sort_unstable();
        Ok(places)
    }

    /// Gives `each` the person at a place, with the columns that a walk would give. Returns its answer; true where
    /// nobody is there.
    pub(crate) fn visit(
        &self,
        place: &Place,
        columns: &[&str],
        mut each: impl FnMut(&Passer<'_>) -> Result<bool>,
    ) -> Result<bool> {
        let statement = format!(
            "SELECT r.id AS number, '' AS place, m.policy_id{} FROM recipient r LEFT JOIN um_mailbox m ON \
             m.recipient_id = r.id WHERE r.id = ?1",
            asked(columns)
        );
        let mut goes_on = true;
        self.query_each(&statement, params![place.id], |row| {
            goes_on = each(&Passer { place: place.clone(), ..Passer::read(row)? })?;
            Ok(())
        })?;
        Ok(goes_on)
    }

    /// Walks over these people in an order, from behind a place on, until `each` says false.
    pub(crate) fn walk(
        &self,
        order: Order,
        whom: Whom,
        after: Option<&Place>,
        columns: &[&str],
        mut each: impl FnMut(&Passer<'_>) -> Result<bool>,
    ) -> Result<()> {
        let Listed { from, key, id, filter } = order.listed();
        let people = if order == Order::ServerLegacyDn { "" } else { "JOIN recipient r ON r.id = k.recipient_id " };
        let mailbox = match whom {
            Whom::Everybody => "LEFT JOIN um_mailbox m ON m.recipient_id = r.id",
            Whom::UmEnabled => "JOIN um_mailbox m ON m.recipient_id = r.id AND m.policy_id IS NOT NULL",
        };
        let statement = format!(
            "SELECT {id} AS number, {key} AS place, m.policy_id{} FROM {from} {people}{mailbox} \
             WHERE {filter}({key}, {id}) > (?1, ?2) ORDER BY {key}, {id}",
            asked(columns)
        );
        let (key, id) = after.map_or(("", i64::MIN), |place| (place.key.as_str(), place.id));
        self.query_while(&statement, params![key, id], |row| each(&Passer::read(row)?))
    }

    /// The person at a place, with addresses.
    pub(crate) fn recipient_at(&self, place: &Place) -> Result<Option<Recipient>> {
        self.recipient_by_id(place.id)
    }

    /// Goes over everybody in the order of the tables, in which nothing is looked up: several times as fast as a walk.
    /// The numbers of those whom `takes` takes, in order.
    pub(crate) fn scan(
        &self,
        columns: &[&str],
        asked_for: Asked,
        mut takes: impl FnMut(&Passer<'_>) -> Result<bool>,
    ) -> Result<Vec<i64>> {
        let statement = format!(
            "SELECT r.id AS number, '' AS place, m.policy_id{} FROM recipient r LEFT JOIN um_mailbox m ON \
             m.recipient_id = r.id WHERE r.id > ?1 AND r.id <= ?2 ORDER BY r.id",
            asked(columns)
        );
        let (mut taken, mut after) = (Vec::new(), i64::MIN);
        while let Some(last) = self.last_of_chunk(after)? {
            let proxies = if asked_for.proxies { self.proxies_between(after, last)? } else { Vec::new() };
            let numbers = if asked_for.numbers { self.um_addresses_between(after, last)? } else { Vec::new() };
            let (mut proxies, mut numbers) = (proxies.as_slice(), numbers.as_slice());
            self.query_each(&statement, params![after, last], |row| {
                let passer = Passer::read(row)?;
                let id = passer.place.id;
                let addresses =
                    Addresses { proxies: of_person(&mut proxies, id), numbers: of_person(&mut numbers, id) };
                if takes(&Passer { addresses: Some(addresses), ..passer })? {
                    taken.push(id);
                }
                Ok(())
            })?;
            after = last;
        }
        Ok(taken)
    }

    /// The number of the last of the next few people.
    fn last_of_chunk(&self, after: i64) -> Result<Option<i64>> {
        self.query_one(
            "SELECT MAX(id) AS last FROM (SELECT id FROM recipient WHERE id > ?1 ORDER BY id LIMIT ?2) AS chunk",
            params![after, CHUNK],
            |r| r.get("last"),
        )
    }

    /// A text is made as a row is read, so that memory is asked for once and not for each of its parts.
    fn proxies_between(&self, after: i64, last: i64) -> Result<Vec<(i64, String)>> {
        self.query_all(
            "SELECT recipient_id, prefix, address, is_primary FROM proxy_address WHERE recipient_id > ?1 AND \
             recipient_id <= ?2 ORDER BY recipient_id, position",
            params![after, last],
            |r| {
                let id = r.next("recipient_id")?;
                let text = |at: usize| r.cell(at)?.text().ok_or_else(damaged_row);
                Ok((id, proxy_text(text(1)?, text(2)?, bool::from_cell(r.cell(3)?).ok_or_else(damaged_row)?)))
            },
        )
    }

    /// The places in an order, from behind one on, of those people whose numbers are given in ascending order.
    pub(crate) fn places_among(
        &self,
        order: Order,
        after: Option<&Place>,
        ids: &[i64],
        mut each: impl FnMut(&Place) -> Result<bool>,
    ) -> Result<()> {
        let Listed { from, key, id, filter } = order.listed();
        let statement = format!(
            "SELECT {id} AS number, {key} AS place FROM {from} WHERE {filter}({key}, {id}) > (?1, ?2) \
             ORDER BY {key}, {id}"
        );
        let (key, id) = after.map_or(("", i64::MIN), |place| (place.key.as_str(), place.id));
        self.query_while(&statement, params![key, id], |row| {
            let id = row.get("number")?;
            if ids.binary_search(&id).is_err() {
                return Ok(true);
            }
            each(&Place { key: row.get("place")?, id })
        })
    }

    /// Whether somebody lies below a container, given as its canonical name with a slash behind it.
    pub(crate) fn is_container(&self, container: &str) -> Result<bool> {
        let clue = Clue::Canonical(Wanted::Beginning(fold_case(container)));
        Ok(self.candidates(&clue, 0)?.is_none())
    }
}

fn asked(columns: &[&str]) -> String {
    columns.iter().map(|column| format!(", r.{column}")).collect()
}

/// The statement that finds a clue's people, and what it is asked with.
fn statement(clue: &Clue) -> (String, Vec<Value<'static>>) {
    let keys = |space: i64, wanted: &Wanted| {
        let (condition, parameters) = condition("key", wanted);
        (format!("SELECT recipient_id FROM recipient_key WHERE space = {space} AND {condition}"), parameters)
    };
    match clue {
        Clue::Word(wanted) => keys(space::WORDS, wanted),
        Clue::Canonical(wanted) => keys(space::CANONICAL, wanted),
        Clue::Path(wanted) => keys(space::PATHS, wanted),
        Clue::Address(wanted) => keys(space::ADDRESSES, wanted),
        Clue::Number(wanted) => {
            let (condition, parameters) = condition("address_key", wanted);
            (format!("SELECT recipient_id FROM um_address WHERE {condition}"), parameters)
        }
        Clue::Guid(guid) => {
            ("SELECT id AS recipient_id FROM recipient WHERE guid = ?1".into(), vec![blob(guid.as_str())])
        }
        Clue::Policy(guid) => (
            "SELECT recipient_id FROM um_mailbox WHERE policy_id = (SELECT id FROM policy WHERE guid = ?1)".into(),
            vec![blob(guid.as_str())],
        ),
        Clue::DialPlan(guid) => (
            "SELECT recipient_id FROM um_mailbox WHERE policy_id IN (SELECT p.id FROM policy p \
             JOIN dial_plan d ON d.id = p.dial_plan_id WHERE d.guid = ?1)"
                .into(),
            vec![blob(guid.as_str())],
        ),
    }
}

fn blob(guid: &str) -> Value<'static> {
    Value::Blob(super::columns::guid_bytes(guid).into())
}

/// A range of an ordered column: the same in every engine, where LIKE is not.
fn condition(column: &str, wanted: &Wanted) -> (String, Vec<Value<'static>>) {
    let text = |text: &str| Value::Text(text.to_owned().into());
    match wanted {
        Wanted::Text(exactly) => (format!("{column} = ?1"), vec![text(exactly)]),
        Wanted::Beginning(prefix) => match after_all(prefix) {
            Some(end) => (format!("{column} >= ?1 AND {column} < ?2"), vec![text(prefix), text(&end)]),
            None => (format!("{column} >= ?1"), vec![text(prefix)]),
        },
    }
}
