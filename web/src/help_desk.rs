//! For the help desk: find a person, see the state, reset, lock, unlock, and who did what.

use std::time::Instant;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};
use umpin::cmdlets::get_um_mailbox_pin::{get_um_mailbox_pin, list_um_mailbox_pins};
use umpin::cmdlets::set_um_mailbox_pin::{SetPin, begin_reset};
use umpin::cmdlets::{execute, record_refusal};
use umpin::error::{Error, Status};
use umpin::service::lookup::{Lookup, mailboxes_with_number};
use umpin::session::Session;
use umpin::store::pins::PinState;

use crate::app::with_store;
use crate::failure::{Failure, is_the_askers};
use crate::forms::{Confirmed, Form, Posted, TypedPin};
use crate::identity::{Helper, Reader, Visitor};
use crate::limits::Counted;
use crate::my_pages::{
    by_identity, call_list, confirmation, get_one, is_delivered, limited, state_list, text, texts_of, what_if,
};
use crate::sessions::random_token;
use crate::state::{Flash, Glance, Pending};
use crate::texts::{Texts, fill};
use crate::view::{self, Place, Width};

/// People shown on one page.
const SHOWN: usize = 50;
/// Records of the trail shown on one page.
const RECORDS: u64 = 20;
/// Calls of the library that one page may take: 500 people or 1,000 records each.
const CALLS: usize = 40;

/// The mailbox that an address is about: by its GUID and nothing else, so that the address can go into links as it is.
pub(crate) struct Mailbox(String);

impl<S: Send + Sync> FromRequestParts<S> for Mailbox {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        const LENGTH: usize = 36;
        let Path(guid) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| Failure::NotFound)?;
        let is_guid = guid.len() == LENGTH && guid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        if is_guid { Ok(Self(guid.to_ascii_lowercase())) } else { Err(Failure::NotFound) }
    }
}

fn request(parameters: &Value, mode: &str, after: Option<&str>) -> Vec<u8> {
    json!({"Mode": mode, "Parameters": parameters, "After": after}).to_string().into_bytes()
}

#[derive(Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    q: String,
}

/// People with what Get-UMMailbox and Get-UMMailboxPIN show of each.
type People = Vec<(Value, PinState)>;

struct Found {
    people: People,
    /// There are more than are shown.
    more: bool,
}

/// Whoever the text names in one of the cmdlets' identity forms or by number; else everybody whose name begins with it.
fn search(store: &Session, q: &str) -> Result<Found, Failure> {
    match get_um_mailbox_pin(store, &by_identity(q)) {
        Ok(state) => return Ok(Found { people: vec![with_mailbox(store, state)?], more: false }),
        Err(e) if matches!(e.status, Status::NotFound | Status::Ambiguous | Status::InvalidIdentity) => {}
        Err(e) => return Err(e.into()),
    }
    let mut people = Vec::new();
    for guid in mailboxes_with_number(store, q)? {
        people.push(with_mailbox(store, get_um_mailbox_pin(store, &by_identity(guid.as_str()))?)?);
    }
    if !people.is_empty() {
        return Ok(Found { people, more: false });
    }
    let mut next: Option<String> = None;
    let asked = json!({"Anr": q, "ResultSize": SHOWN});
    for _ in 0..CALLS {
        let page = execute(store, "Get-UMMailbox", &request(&asked, "Validate", next.as_deref()), None)?;
        for mailbox in page.objects {
            let guid = mailbox["Guid"]["$guid"].as_str().unwrap_or_default();
            let state = get_um_mailbox_pin(store, &by_identity(guid))?;
            people.push((mailbox, state));
        }
        next = page.next;
        // The cmdlet warns where it leaves some out.
        if next.is_none() {
            return Ok(Found { people, more: !page.warnings.is_empty() });
        }
    }
    Ok(Found { people, more: true })
}

fn with_mailbox(store: &Session, state: PinState) -> Result<(Value, PinState), Failure> {
    let mailbox = get_one(store, "Get-UMMailbox", state.guid.as_str())?;
    Ok((mailbox, state))
}

/// Find a person.
pub(crate) async fn find(Reader(visitor): Reader, Query(asked): Query<Search>) -> Result<Response, Failure> {
    let texts = visitor.texts;
    let q = asked.q.trim().to_owned();
    let found = if q.is_empty() {
        None
    } else {
        let q = q.clone();
        Some(with_store(&visitor.person, move |store| Ok((search(store, &q)?, store.now()))).await?)
    };
    if let Some((Found { people, more: false }, _)) = &found
        && let [(_, state)] = people.as_slice()
    {
        return Ok(Redirect::to(&format!("/people/{}", state.guid)).into_response());
    }
    let body = html! {
        h1 { (texts.find) }
        section.card {
            form method="get" action="/people" role="search" {
                div.inline {
                    div.field {
                        label for="q" { (texts.find_label) }
                        input type="search" id="q" name="q" value=(q) required maxlength="256" autocomplete="off";
                    }
                    button.main type="submit" { (texts.find_button) }
                }
            }
        }
        @if let Some((found, now)) = &found {
            section.card aria-labelledby="results" {
                h2 #results { (texts.results) }
                @if found.people.is_empty() { p { (texts.find_nobody) } } @else {
                    (people_table(texts, &found.people, *now))
                }
                @if found.more { p { (texts.find_more) } }
            }
        }
    };
    Ok(view::page(&visitor, Place::Find, texts.find, Width::Wide, &body).into_response())
}

/// A button that goes on from where a list ended.
fn on_form(to: &str, fields: &[(&str, &str)], words: &str) -> Markup {
    html! {
        form method="get" action=(to) {
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            p.actions { button type="submit" { (words) } }
        }
    }
}

fn people_table(texts: &Texts, people: &[(Value, PinState)], now: i64) -> Markup {
    html! {
        table.cards {
                thead { tr {
                    th scope="col" { (texts.person) } th scope="col" { (texts.address) }
                    th scope="col" { (texts.extension) } th scope="col" { (texts.state) }
                } }
                tbody {
                    @for (mailbox, state) in people {
                        @let glance = Glance::of(state, now);
                        tr {
                            th scope="row" { a href={ "/people/" (state.guid) } { (shown_name(mailbox, state)) } }
                            td { (state.user_id) }
                            td { (texts_of(mailbox, "Extensions").join(", ")) }
                            td { (view::lock_badge(texts, &glance)) " " (view::expiry_badge(texts, &glance)) }
                        }
                    }
                }
            }
    }
}

fn shown_name<'a>(mailbox: &'a Value, state: &'a PinState) -> &'a str {
    Some(text(mailbox, "DisplayName")).filter(|name| !name.is_empty()).unwrap_or(&state.identity)
}

#[derive(Deserialize)]
pub(crate) struct After {
    after: Option<String>,
}

/// Everyone who is locked or whose PIN is expired.
pub(crate) async fn attention(Reader(visitor): Reader, Query(asked): Query<After>) -> Result<Html<String>, Failure> {
    let texts = visitor.texts;
    let (people, next, now) = with_store(&visitor.person, move |store| {
        let now = store.now();
        let (people, next) = in_need(store, asked.after, now)?;
        Ok((people, next, now))
    })
    .await?;
    let body = html! {
        h1 { (texts.attention) }
        section.card {
            h2.hidden #results { (texts.results) }
            @if people.is_empty() { p { (texts.attention_none) } } @else {
                (people_table(texts, &people, now))
            }
            @if let Some(next) = &next {
                (on_form("/people/attention", &[("after", next)], texts.attention_more))
            }
        }
    };
    Ok(view::page(&visitor, Place::Attention, texts.attention, Width::Wide, &body))
}

/// One page of them. Of a list that is cut in the middle, the rest is on the next page.
fn in_need(store: &Session, mut after: Option<String>, now: i64) -> Result<(People, Option<String>), Failure> {
    let mut people = Vec::new();
    for _ in 0..CALLS {
        let (states, next) = list_um_mailbox_pins(store, &Lookup::default(), after.as_deref(), 1000)?;
        for state in states {
            if !Glance::of(&state, now).needs_attention() {
                continue;
            }
            if people.len() == SHOWN {
                return Ok((people, after));
            }
            after = Some(format!("{} {}", state.guid, state.identity));
            people.push(with_mailbox(store, state)?);
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    Ok((people, after))
}

#[derive(Deserialize)]
pub(crate) struct Records {
    #[serde(default)]
    from: u64,
}

/// What a person's page shows.
struct Shown {
    state: PinState,
    glance: Glance,
    mailbox: Value,
    waiting: Vec<Value>,
    records: Vec<Value>,
    more: bool,
}

fn shown(store: &Session, guid: &str, from: u64) -> Result<Shown, Failure> {
    let state = get_um_mailbox_pin(store, &by_identity(guid))?;
    let mailbox = get_one(store, "Get-UMMailbox", guid)?;
    let mut waiting = execute(store, "Get-UMPinOutbox", b"{}", None)?.objects;
    waiting.retain(|row| text(row, "UserID") == state.user_id);
    let (records, more) = records(store, &state.identity, from)?;
    let glance = Glance::of(&state, store.now());
    Ok(Shown { state, glance, mailbox, waiting, records, more })
}

/// The trail of one person, the newest first, and whether there is more of it.
fn records(store: &Session, identity: &str, from: u64) -> Result<(Vec<Value>, bool), Failure> {
    let mut found = Vec::new();
    let mut next: Option<String> = None;
    let parameters = json!({"ObjectIds": [identity], "StartIndex": from, "ResultSize": RECORDS + 1});
    for _ in 0..CALLS {
        let asked = request(&parameters, "Validate", next.as_deref());
        let page = execute(store, "Search-UMAdminAuditLog", &asked, None)?;
        found.extend(page.objects);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    let more = found.len() as u64 > RECORDS;
    found.truncate(RECORDS as usize);
    Ok((found, more))
}

/// One person.
pub(crate) async fn show(
    Reader(visitor): Reader,
    Mailbox(guid): Mailbox,
    Query(asked): Query<Records>,
) -> Result<Html<String>, Failure> {
    let texts = visitor.texts;
    let at = guid.clone();
    let one = with_store(&visitor.person, move |store| shown(store, &at, asked.from)).await?;
    let name = shown_name(&one.mailbox, &one.state).to_owned();
    let body = html! {
        h1 { (name) }
        p.under { (one.state.user_id) " · " (one.state.identity) }
        @if visitor.person.roles.help_desk {
            section.card aria-label=(texts.pin) {
                p.actions {
                    a.button.main href={ "/people/" (guid) "/reset" } { (texts.reset_pin) }
                    @if one.glance.lock.is_some() {
                        a.button href={ "/people/" (guid) "/unlock" } { (texts.unlock) }
                    } @else {
                        a.button href={ "/people/" (guid) "/lock" } { (texts.lock) }
                    }
                }
            }
        }
        div.columns {
            section.card aria-labelledby="state" {
                h2 #state { (texts.pin_status) }
                (state_list(texts, &one.state, &one.glance))
            }
            section.card aria-labelledby="call" {
                h2 #call { (texts.mailbox) }
                (call_list(texts, &one.mailbox))
                dl {
                    dt { (texts.policy) } dd { (text(&one.mailbox, "UMMailboxPolicy")) }
                    dt { (texts.plan) } dd { (text(&one.mailbox, "UMDialPlan")) }
                    dt { (texts.mail_waits) }
                    dd {
                        @if one.waiting.is_empty() { (texts.none) }
                        @for row in &one.waiting { (waiting(texts, row)) }
                    }
                }
            }
        }
        section.card aria-labelledby="trail" {
            h2 #trail { (texts.trail) }
            @if one.records.is_empty() { p { (texts.trail_empty) } } @else { (trail_table(texts, &one.records)) }
            @if one.more {
                @let from = (asked.from + RECORDS).to_string();
                (on_form(&format!("/people/{guid}"), &[("from", &from)], texts.trail_more))
            }
        }
    };
    Ok(view::page(&visitor, Place::Find, &name, Width::Wide, &body))
}

fn date(value: &Value) -> Option<i64> {
    let at: jiff::Timestamp = value["$date"].as_str()?.parse().ok()?;
    Some(at.as_millisecond())
}

fn waiting(texts: &Texts, row: &Value) -> Markup {
    let since = date(&row["QueuedAt"]).map(|at| view::moment(at).into_string()).unwrap_or_default();
    let attempts = row["Attempts"].as_i64().unwrap_or_default().to_string();
    let mut words = texts.mail_waits_since.split("{}");
    let mut next = || words.next().unwrap_or_default();
    html! {
        div {
            (next()) (text(row, "To")) (next()) (maud::PreEscaped(since)) (next()) (attempts) (next())
            @if !text(row, "LastError").is_empty() { (view::english(texts, text(row, "LastError"))) }
        }
    }
}

fn trail_table(texts: &Texts, records: &[Value]) -> Markup {
    let library = (!texts.is_english()).then_some("en");
    html! {
        table.cards {
                thead { tr {
                    th scope="col" { (texts.when) } th scope="col" { (texts.who) }
                    th scope="col" { (texts.what) } th scope="col" { (texts.result) }
                } }
                tbody {
                    @for record in records {
                        @let done = record["Succeeded"].as_bool().unwrap_or_default();
                        tr {
                            td.when { @if let Some(at) = date(&record["RunDate"]) { (view::moment(at)) } }
                            td {
                                @if !text(record, "CallerClaimed").is_empty() { (text(record, "CallerClaimed")) br; }
                                small lang=[library] { (text(record, "Caller")) }
                            }
                            td lang=[library] { (text(record, "CmdletName")) }
                            td lang=[library] {
                                @if done { (text(record, "Detail")) } @else {
                                    span.badge.bad lang=(texts.tag) { (texts.refused) } " " (text(record, "Error"))
                                }
                            }
                        }
                    }
                }
            }
    }
}

#[derive(Deserialize)]
pub(crate) struct Reset {
    csrf: String,
    #[serde(default)]
    how: String,
    #[serde(default)]
    pin: TypedPin,
    #[serde(default)]
    again: TypedPin,
    #[serde(default)]
    notify: String,
    must_change: Option<String>,
}

impl Form for Reset {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// The form for a reset.
pub(crate) async fn ask_reset(Helper(visitor): Helper, Mailbox(guid): Mailbox) -> Result<Html<String>, Failure> {
    reset_form(&visitor, guid, |_| None).await
}

/// The form, and above it what was wrong with the one before. `problem` gets the hint on how long a PIN must be.
async fn reset_form(
    visitor: &Visitor,
    guid: String,
    problem: impl FnOnce(&str) -> Option<Markup>,
) -> Result<Html<String>, Failure> {
    let texts = visitor.texts;
    let at = guid.clone();
    let (state, mailbox) = with_store(&visitor.person, move |store| {
        let state = get_um_mailbox_pin(store, &by_identity(&at))?;
        let mailbox = get_one(store, "Get-UMMailbox", state.guid.as_str())?;
        Ok((state, mailbox))
    })
    .await?;
    let hint = fill(texts.pin_hint, &[&state.policy.min_length.to_string()]);
    let body = html! {
        h1 { (texts.reset_pin) }
        p.under { (shown_name(&mailbox, &state)) " · " (state.user_id) }
        @if let Some(words) = problem(&hint) { (view::problem(texts, &words)) }
        section.card {
            form.stack method="post" action={ "/people/" (guid) "/reset" } {
                (view::token(&visitor.person))
                @if visitor.person.roles.type_pin {
                    fieldset {
                        legend { (texts.pin) }
                        label.choice { input type="radio" name="how" value="generate" checked; (texts.generate) }
                        label.choice { input type="radio" name="how" value="type"; (texts.type_pin) }
                    }
                    div.field {
                        label for="pin" { (texts.new_pin) }
                        input type="password" id="pin" name="pin" inputmode="numeric" autocomplete="new-password"
                            maxlength="64" aria-describedby="pin-hint";
                        p.hint #pin-hint { (hint) }
                    }
                    div.field {
                        label for="again" { (texts.new_pin_again) }
                        input type="password" id="again" name="again" inputmode="numeric" autocomplete="new-password"
                            maxlength="64";
                    }
                    div.field {
                        label for="notify" { (texts.notify) }
                        input type="email" id="notify" name="notify" autocomplete="off" maxlength="320"
                            aria-describedby="notify-hint";
                        p.hint #notify-hint { (texts.notify_help) }
                    }
                } @else {
                    p { (texts.generate) "." }
                }
                label.choice { input type="checkbox" name="must_change" value="yes" checked; (texts.must_change) }
                p.actions {
                    button.main type="submit" { (texts.next) }
                    a.button href={ "/people/" (guid) } { (texts.cancel) }
                }
            }
        }
    };
    Ok(view::page(visitor, Place::Find, texts.reset_pin, Width::Narrow, &body))
}

fn helpers(visitor: &Visitor, what: &str) -> Result<(), Failure> {
    if visitor.person.roles.help_desk {
        Ok(())
    } else {
        Err(Failure::Forbidden(format!("{} has no role to {what}", visitor.person.name)))
    }
}

/// Checks what was asked and keeps it, with the PIN, in this process until it is confirmed.
pub(crate) async fn take_reset(Mailbox(guid): Mailbox, posted: Posted<Reset>) -> Result<Response, Failure> {
    let Posted { visitor, form } = posted;
    let texts = visitor.texts;
    refuse_without_role(&visitor, &guid, "Set-UMMailboxPIN").await?;
    let types = form.how == "type" || form.pin.pin().is_some();
    let notify = form.notify.trim().to_owned();
    if (types || !notify.is_empty()) && !visitor.person.roles.type_pin {
        return Err(refuse(&visitor, &guid, "Set-UMMailboxPIN", "type a PIN or another address for the notice").await);
    }
    if form.how == "type" && form.pin.pin().is_none() {
        let problem = |hint: &str| Some(html! { p { (texts.type_pin) ": " (hint) } });
        return Ok(reset_form(&visitor, guid, problem).await?.into_response());
    }
    if types && !form.pin.is_same_as(&form.again) {
        let problem = html! { p { (texts.change_not_same) } };
        return Ok(reset_form(&visitor, guid, |_| Some(problem)).await?.into_response());
    }
    let asked = SetPin {
        who: by_identity(&guid),
        pin: if types { form.pin.into_pin() } else { None },
        notify_email: (!notify.is_empty()).then_some(notify),
        pin_expired: Some(form.must_change.is_some()),
        record_refusals: true,
        ..SetPin::default()
    };
    match with_store(&visitor.person, move |store| Ok(begin_reset(store, asked))).await? {
        Ok(reset) => {
            let id = random_token()?;
            visitor.person.wait_for_confirmation(Pending { guid: guid.clone(), id, reset, since: Instant::now() });
            Ok(Redirect::to(&format!("/people/{guid}/reset/confirm")).into_response())
        }
        Err(e) if is_the_askers(&e) && e.status != Status::NotUmEnabled => {
            Ok(reset_form(&visitor, guid, |_| Some(view::english(texts, &e.message))).await?.into_response())
        }
        Err(e) => Err(e.into()),
    }
}

/// Says what will happen.
pub(crate) async fn confirm_reset(Helper(visitor): Helper, Mailbox(guid): Mailbox) -> Result<Html<String>, Failure> {
    let texts = visitor.texts;
    let waits = |p: &Pending| (p.guid == guid).then(|| (p.id.clone(), p.reset.action(), p.reset.target().to_owned()));
    let (id, action, target) = visitor.person.with_pending(waits).flatten().ok_or(Failure::Stale)?;
    let here = format!("/people/{guid}");
    let body = html! {
        h1 { (texts.reset_pin) }
        p.under { (texts.confirm_title) }
        section.card {
            (what_if(texts, action, &target))
            p { (texts.reset_means) }
            (confirmation(&visitor, &format!("{here}/reset/confirm"), Some(&id), texts.reset_pin, &here))
        }
    };
    Ok(view::page(&visitor, Place::Find, texts.reset_pin, Width::Narrow, &body))
}

/// Does what was confirmed.
pub(crate) async fn reset(Mailbox(guid): Mailbox, posted: Posted<Confirmed>) -> Result<Response, Failure> {
    let Posted { visitor, form } = posted;
    helpers(&visitor, "reset a PIN")?;
    let pending = visitor.person.take_pending().filter(|p| p.guid == guid && p.id == form.id).ok_or(Failure::Stale)?;
    let app = visitor.app.clone();
    let helper = visitor.person.name.clone();
    let at = guid.clone();
    let done = with_store(&visitor.person, move |store| {
        // By the GUID itself: the address may hold another name of the person's that only looks like one.
        let guid = get_um_mailbox_pin(store, &by_identity(&at))?.guid;
        let counted = [Counted::Of(guid.to_string()), Counted::By(helper.as_str().into())];
        limited(store, &app.limits, &counted, guid.as_str())?;
        Ok(pending.reset.commit(store).map(|outcome| {
            let notices = outcome.notice.iter().map(ToString::to_string).collect::<Vec<_>>();
            is_delivered(store, &notices)
        }))
    })
    .await?;
    let texts = visitor.texts;
    match done {
        Ok(delivered) => {
            let text = if delivered { texts.reset_done } else { texts.reset_waits };
            visitor.person.tell(Flash { text: text.into(), is_warning: !delivered });
            Ok(Redirect::to(&format!("/people/{guid}")).into_response())
        }
        // The PIN was used before: only the change itself compares it with the history.
        Err(e) if e.status == Status::WeakPin => {
            Ok(reset_form(&visitor, guid, |_| Some(view::english(texts, &e.message))).await?.into_response())
        }
        Err(e) => Err(e.into()),
    }
}

/// Lock or unlock: the cmdlet, the words, and what it means.
struct Latch {
    cmdlet: &'static str,
    path: &'static str,
    title: fn(&Texts) -> &'static str,
    means: fn(&Texts) -> &'static str,
    done: fn(&Texts) -> &'static str,
}

const LOCK: Latch =
    Latch { cmdlet: "Lock-UMMailbox", path: "lock", title: |t| t.lock, means: |t| t.lock_means, done: |t| t.lock_done };
const UNLOCK: Latch = Latch {
    cmdlet: "Unlock-UMMailbox",
    path: "unlock",
    title: |t| t.unlock,
    means: |t| t.unlock_means,
    done: |t| t.unlock_done,
};

pub(crate) async fn ask_lock(Helper(visitor): Helper, Mailbox(guid): Mailbox) -> Result<Html<String>, Failure> {
    ask_latch(visitor, guid, &LOCK).await
}

pub(crate) async fn ask_unlock(Helper(visitor): Helper, Mailbox(guid): Mailbox) -> Result<Html<String>, Failure> {
    ask_latch(visitor, guid, &UNLOCK).await
}

pub(crate) async fn lock(Mailbox(guid): Mailbox, posted: Posted<Confirmed>) -> Result<Response, Failure> {
    latch(posted.visitor, guid, &LOCK).await
}

pub(crate) async fn unlock(Mailbox(guid): Mailbox, posted: Posted<Confirmed>) -> Result<Response, Failure> {
    latch(posted.visitor, guid, &UNLOCK).await
}

async fn ask_latch(visitor: Visitor, guid: String, latch: &'static Latch) -> Result<Html<String>, Failure> {
    let texts = visitor.texts;
    let at = guid.clone();
    let told = with_store(&visitor.person, move |store| {
        Ok(execute(store, latch.cmdlet, &request(&json!({"Identity": at}), "Validate", None), None)?)
    })
    .await?;
    let (action, target) = (told.action.unwrap_or_default(), told.target.unwrap_or_default());
    let title = (latch.title)(texts);
    let here = format!("/people/{guid}");
    let body = html! {
        h1 { (title) }
        p.under { (texts.confirm_title) }
        section.card {
            (what_if(texts, &action, &target))
            p { ((latch.means)(texts)) }
            (confirmation(&visitor, &format!("{here}/{}", latch.path), None, title, &here))
        }
    };
    Ok(view::page(&visitor, Place::Find, title, Width::Narrow, &body))
}

async fn latch(visitor: Visitor, guid: String, latch: &'static Latch) -> Result<Response, Failure> {
    refuse_without_role(&visitor, &guid, latch.cmdlet).await?;
    let at = guid.clone();
    with_store(&visitor.person, move |store| {
        Ok(execute(store, latch.cmdlet, &request(&json!({"Identity": at}), "Commit", None), None)?)
    })
    .await?;
    visitor.person.tell(Flash { text: (latch.done)(visitor.texts).into(), is_warning: false });
    Ok(Redirect::to(&format!("/people/{guid}")).into_response())
}

/// A change that somebody without the role sends is recorded: no page of ours offered it.
async fn refuse_without_role(visitor: &Visitor, guid: &str, cmdlet: &'static str) -> Result<(), Failure> {
    if visitor.person.roles.help_desk {
        return Ok(());
    }
    Err(refuse(visitor, guid, cmdlet, "change other people's mailboxes").await)
}

async fn refuse(visitor: &Visitor, guid: &str, cmdlet: &'static str, what: &str) -> Failure {
    let why = format!("The page gives this account no role to {what}. Nothing was changed.");
    let failure = Failure::Forbidden(format!("{} has no role to {what}", visitor.person.name));
    // A flood of them must not fill the trail; the log has each.
    if visitor.app.limits.take(&[Counted::Refused(visitor.person.name.as_str().into())], Instant::now()).is_ok() {
        let guid = guid.to_owned();
        let recorded = with_store(&visitor.person, move |store| {
            record_refusal(store, cmdlet, &guid, &Error::new(Status::SignInRefused, why));
            Ok(())
        });
        // A trail that cannot be written changes nothing about the refusal.
        let _ = recorded.await;
    }
    failure
}
