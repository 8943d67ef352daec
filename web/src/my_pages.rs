//! For everybody: my voice mail, reset my PIN, change my PIN.

use std::time::Instant;

use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;
use serde_json::{Value, json};
use umpin::cmdlets::execute;
use umpin::cmdlets::get_um_mailbox_pin::get_um_mailbox_pin;
use umpin::cmdlets::set_um_mailbox_pin::{SetPin, begin_reset};
use umpin::error::{Error, Status};
use umpin::mail::policy_text;
use umpin::pin::{Pin, Refusal};
use umpin::service::lookup::Lookup;
use umpin::service::pin_rules::pin_rules;
use umpin::service::sign_in::{Caller, change_pin};
use umpin::session::Session;
use umpin::store::pins::PinState;

use crate::app::with_store;
use crate::failure::{Failure, is_the_askers};
use crate::forms::{Confirmed, Form, Posted, TypedPin};
use crate::identity::Visitor;
use crate::limits::Counted;
use crate::log;
use crate::state::{Flash, Glance};
use crate::texts::{Texts, fill};
use crate::view::{self, Place, Width};

/// The first page: the help desk's, or one's own.
pub(crate) async fn first(visitor: Visitor) -> Redirect {
    Redirect::to(if visitor.person.roles.reads() { "/people" } else { "/my" })
}

/// A look-up by identity alone.
pub(crate) fn by_identity(identity: &str) -> Lookup {
    Lookup { identity: Some(identity.to_owned()), ..Lookup::default() }
}

/// One object that a Get- cmdlet shows of one identity.
pub(crate) fn get_one(store: &Session, cmdlet: &str, identity: &str) -> Result<Value, Error> {
    let request = json!({"Parameters": {"Identity": identity}}).to_string();
    let mut objects = execute(store, cmdlet, request.as_bytes(), None)?.objects;
    objects.pop().ok_or_else(|| Error::new(Status::NotFound, "nothing was returned"))
}

/// A text property, empty where it is null.
pub(crate) fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_default()
}

/// A property that is a list of texts.
pub(crate) fn texts_of(object: &Value, name: &str) -> Vec<String> {
    object[name].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The visitor's own mailbox.
struct Mine {
    state: PinState,
    glance: Glance,
    mailbox: Value,
    from_administrators: String,
}

fn mine(store: &Session, name: &str) -> Result<Mine, Failure> {
    let state = get_um_mailbox_pin(store, &by_identity(name)).map_err(nobody)?;
    let mailbox = get_one(store, "Get-UMMailbox", state.guid.as_str()).map_err(nobody)?;
    let policy = get_one(store, "Get-UMMailboxPolicy", text(&mailbox, "UMMailboxPolicy"))?;
    let glance = Glance::of(&state, store.now());
    Ok(Mine { glance, state, mailbox, from_administrators: policy_text::to_html(text(&policy, "UMEnabledText")) })
}

/// Somebody without a mailbox gets a page that says so, and not the one for a wrong address.
fn nobody(e: Error) -> Failure {
    match e.status {
        Status::NotFound | Status::NotUmEnabled | Status::Ambiguous | Status::InvalidIdentity => Failure::NoMailbox,
        _ => e.into(),
    }
}

/// My voice mail.
pub(crate) async fn show(visitor: Visitor) -> Result<Response, Failure> {
    let name = visitor.person.name.clone();
    let found = with_store(&visitor.person, move |store| mine(store, &name)).await;
    let texts = visitor.texts;
    let mine = match found {
        Ok(mine) => mine,
        Err(Failure::NoMailbox) => {
            let body = html! { h1 { (texts.no_mailbox_title) } section.card { p { (texts.no_mailbox) } } };
            return Ok(view::page(&visitor, Place::My, texts.no_mailbox_title, Width::Narrow, &body).into_response());
        }
        Err(e) => return Err(e),
    };
    let body = html! {
        h1 { (texts.my_mailbox) }
        p.under { (text(&mine.mailbox, "DisplayName")) " · " (mine.state.user_id) }
        div.columns {
            section.card aria-labelledby="state" {
                h2 #state { (texts.pin_status) }
                (state_list(texts, &mine.state, &mine.glance))
            }
            section.card aria-labelledby="call" {
                h2 #call { (texts.call_in) }
                (call_list(texts, &mine.mailbox))
            }
        }
        section.card aria-labelledby="actions" {
            h2 #actions { (texts.pin) }
            p.actions {
                a.button.main href="/my/reset" { (texts.reset_my_pin) }
                a.button href="/my/pin" { (texts.change_my_pin) }
            }
        }
        @if !mine.from_administrators.is_empty() {
            section.card aria-labelledby="words" {
                h2 #words { (texts.from_administrators) }
                // The library leaves bold and web links, and escapes all else.
                p { (PreEscaped(&mine.from_administrators)) }
            }
        }
    };
    Ok(view::page(&visitor, Place::My, texts.my_mailbox, Width::Wide, &body).into_response())
}

/// The state of a PIN at a glance.
pub(crate) fn state_list(texts: &Texts, state: &PinState, glance: &Glance) -> Markup {
    html! {
        dl {
            dt { (texts.state) } dd { (view::lock_badge(texts, glance)) }
            @if let Some(reason) = glance.lock { dt { (texts.lock_reason) } dd { (view::lock_words(texts, reason)) } }
            dt { (texts.pin) } dd { (view::expiry_badge(texts, glance)) }
            dt { (texts.last_set) } dd { (view::moment(state.facts.set_at)) }
            dt { (texts.expires) }
            dd { @match glance.expires_on { Some(at) => (view::moment(at)), None => (texts.never) } }
            dt { (texts.failures) } dd { (state.facts.failures) }
            dt { (texts.first_time) } dd { (if state.first_time_user { texts.first_time_yes } else { texts.no }) }
        }
    }
}

/// How to call in.
pub(crate) fn call_list(texts: &Texts, mailbox: &Value) -> Markup {
    let numbers = texts_of(mailbox, "AccessTelephoneNumbers");
    html! {
        dl {
            dt { (texts.access_numbers) }
            dd { @if numbers.is_empty() { (texts.ask_numbers) } @else { (numbers.join(", ")) } }
            dt { (texts.extension) } dd { (texts_of(mailbox, "Extensions").join(", ")) }
            @if let Some(address) = mailbox["SIPResourceIdentifier"].as_str() { dt { "SIP / E.164" } dd { (address) } }
        }
    }
}

/// The owner's reset: generated, mailed to the owner's own address, to be changed at the next call. As in Outlook.
fn own_reset(guid: &str) -> SetPin {
    SetPin { who: by_identity(guid), by_owner: true, record_refusals: true, ..SetPin::default() }
}

/// Asks before a reset.
pub(crate) async fn ask_reset(visitor: Visitor) -> Result<Html<String>, Failure> {
    let name = visitor.person.name.clone();
    let (mine, asked) = with_store(&visitor.person, move |store| {
        let mine = mine(store, &name)?;
        let asked = SetPin { record_refusals: false, ..own_reset(mine.state.guid.as_str()) };
        let words = begin_reset(store, asked).map(|reset| (reset.action(), reset.target().to_owned()));
        Ok((mine, words))
    })
    .await?;
    let texts = visitor.texts;
    let (action, target) = match asked {
        Ok(words) => words,
        Err(e) => return refused(&visitor, texts.reset_my_pin, &e),
    };
    let body = html! {
        h1 { (texts.reset_my_pin) }
        p.under { (texts.confirm_title) }
        section.card {
            (what_if(texts, action, &target))
            p { (texts.reset_my_pin_help) " " strong { (mine.state.user_id) } ". " (texts.reset_my_pin_then) }
            (confirmation(&visitor, "/my/reset", None, texts.reset_my_pin, "/my"))
        }
    };
    Ok(view::page(&visitor, Place::My, texts.reset_my_pin, Width::Narrow, &body))
}

/// What will be done, in the words of -WhatIf.
pub(crate) fn what_if(texts: &Texts, action: &str, target: &str) -> Markup {
    html! { blockquote { p { (fill(texts.what_if, &[action, target])) } } }
}

/// The buttons that confirm or cancel.
pub(crate) fn confirmation(visitor: &Visitor, to: &str, id: Option<&str>, yes: &str, no: &str) -> Markup {
    html! {
        form method="post" action=(to) {
            (view::token(&visitor.person))
            @if let Some(id) = id { input type="hidden" name="id" value=(id); }
            p.actions { button.main type="submit" { (yes) } a.button href=(no) { (visitor.texts.cancel) } }
        }
    }
}

fn refused(visitor: &Visitor, title: &str, e: &Error) -> Result<Html<String>, Failure> {
    if !is_the_askers(e) {
        return Err(Failure::Unavailable(e.message.clone()));
    }
    let texts = visitor.texts;
    let words = match e.status {
        Status::SignInRefused => html! { p { (texts.locked_by_administrator) } },
        _ => view::english(texts, &e.message),
    };
    let body =
        html! { h1 { (title) } (view::problem(texts, &words)) p.actions { a.button href="/my" { (texts.back) } } };
    Ok(view::page(visitor, Place::My, title, Width::Narrow, &body))
}

/// Resets.
pub(crate) async fn reset(posted: Posted<Confirmed>) -> Result<Response, Failure> {
    let Posted { visitor, .. } = posted;
    let (app, person) = (visitor.app.clone(), visitor.person.clone());
    let name = person.name.clone();
    let done = with_store(&person, move |store| {
        let guid = get_um_mailbox_pin(store, &by_identity(&name)).map_err(nobody)?.guid;
        let counted = [Counted::Of(guid.to_string())];
        limited(store, &app.limits, &counted, guid.as_str())?;
        Ok(begin_reset(store, own_reset(guid.as_str())).and_then(|reset| reset.commit(store)).map(|outcome| {
            let notices = outcome.notice.iter().map(ToString::to_string).collect::<Vec<_>>();
            is_delivered(store, &notices)
        }))
    })
    .await?;
    let texts = visitor.texts;
    match done {
        Ok(delivered) => {
            let text = if delivered { texts.reset_my_pin_done } else { texts.reset_my_pin_waits };
            visitor.person.tell(Flash { text: text.into(), is_warning: !delivered });
            Ok(Redirect::to("/my").into_response())
        }
        Err(e) => Ok(refused(&visitor, texts.reset_my_pin, &e)?.into_response()),
    }
}

/// Counts a reset; one above the limit is recorded, once.
pub(crate) fn limited(
    store: &Session,
    limits: &crate::limits::Limits,
    counted: &[Counted],
    guid: &str,
) -> Result<(), Failure> {
    limits.take(counted, Instant::now()).map_err(|reached| {
        if reached.first {
            let why = Error::new(
                Status::SignInRefused,
                "Too many resets by the page within an hour. Nothing was changed. Set-UMMailboxPIN has no such limit.",
            );
            umpin::cmdlets::record_refusal(store, "Set-UMMailboxPIN", guid, &why);
        }
        Failure::TooMany
    })
}

/// Sends what a commit queued, as the cmdlet does. True where all of it was delivered.
pub(crate) fn is_delivered(store: &Session, notices: &[String]) -> bool {
    const BUDGET_MILLISECONDS: u64 = 10_000;
    let parameters = json!({"Ids": notices, "BudgetMilliseconds": BUDGET_MILLISECONDS});
    let request = json!({"Mode": "Commit", "Parameters": parameters}).to_string();
    if notices.is_empty() {
        return true;
    }
    match execute(store, "Send-UMPinOutbox", request.as_bytes(), None) {
        Ok(sent) => {
            for warning in &sent.warnings {
                log::write(&warning.message);
            }
            let waiting = execute(store, "Get-UMPinOutbox", b"{}", None).map(|r| r.objects).unwrap_or_default();
            !waiting
                .iter()
                .any(|row| row["Identity"]["$guid"].as_str().is_some_and(|id| notices.iter().any(|n| n == id)))
        }
        Err(e) => {
            log::write(&e.message);
            false
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Change {
    csrf: String,
    #[serde(default)]
    old: TypedPin,
    #[serde(default)]
    new: TypedPin,
    #[serde(default)]
    again: TypedPin,
}

impl Form for Change {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// Each rule, and whether it is kept; `None` where that is not told.
type Rules = Vec<(Refusal, Option<bool>)>;

/// The form for a change.
pub(crate) async fn ask_change(visitor: Visitor) -> Result<Html<String>, Failure> {
    let name = visitor.person.name.clone();
    let rules = with_store(&visitor.person, move |store| rules_for(store, &name, None)).await?;
    Ok(change_page(&visitor, None, &rules))
}

fn rules_for(store: &Session, name: &str, typed: Option<&Pin>) -> Result<Rules, Failure> {
    pin_rules(store, &by_identity(name), typed).map_err(nobody)
}

fn change_page(visitor: &Visitor, problem: Option<&str>, rules: &Rules) -> Html<String> {
    let texts = visitor.texts;
    let field = |name: &str, label: &str, complete: &str, described: Option<&str>| {
        html! {
            div.field {
                label for=(name) { (label) }
                input type="password" id=(name) name=(name) required inputmode="numeric" autocomplete=(complete)
                    maxlength="64" aria-describedby=[described];
            }
        }
    };
    let body = html! {
        h1 { (texts.change_my_pin) }
        p.under { (texts.change_my_pin_help) }
        @if let Some(words) = problem { (view::problem(texts, &html! { p { (words) } })) }
        section.card {
            form.stack method="post" action="/my/pin" {
                (view::token(&visitor.person))
                (field("old", texts.old_pin, "current-password", None))
                (field("new", texts.new_pin, "new-password", Some("rules")))
                (field("again", texts.new_pin_again, "new-password", None))
                p.actions {
                    button.main type="submit" { (texts.change) }
                    a.button href="/my" { (texts.cancel) }
                }
            }
        }
        section.card aria-labelledby="rules-title" {
            h2 #rules-title { (texts.rules) }
            ul.rules #rules {
                @for (rule, kept) in rules {
                    li .good[*kept == Some(true)] .bad[*kept == Some(false)] {
                        span.mark aria-hidden="true" {
                            @match kept { Some(true) => "✓", Some(false) => "✗", None => "•" }
                        }
                        span.words {
                            (rule_words(texts, rule))
                            @match kept {
                                Some(true) => span.hidden { " (" (texts.rule_met) ")" },
                                Some(false) => strong { " (" (texts.rule_broken) ")" },
                                None => {}
                            }
                        }
                    }
                }
            }
        }
    };
    view::page(visitor, Place::My, texts.change_my_pin, Width::Narrow, &body)
}

fn rule_words(texts: &Texts, rule: &Refusal) -> String {
    match rule {
        Refusal::TooShort { min } => fill(texts.rule_too_short, &[&min.to_string()]),
        Refusal::TooLong => texts.rule_too_long.into(),
        Refusal::NotDigits => texts.rule_digits.into(),
        Refusal::Run => texts.rule_run.into(),
        Refusal::HoldsExtension => texts.rule_extension.into(),
        Refusal::ExtensionTail => texts.rule_tail.into(),
        Refusal::Human(_) => texts.rule_human.into(),
        Refusal::Used { history_count } => fill(texts.rule_used, &[&history_count.to_string()]),
    }
}

/// What became of a change.
enum Changed {
    Done,
    Problem(&'static str, Rules),
}

/// Changes: a wrong old PIN counts as on the telephone.
pub(crate) async fn change(posted: Posted<Change>) -> Result<Response, Failure> {
    let Posted { visitor, form } = posted;
    let (name, texts) = (visitor.person.name.clone(), visitor.texts);
    let changed = with_store(&visitor.person, move |store| change_with(store, &name, texts, &form)).await?;
    match changed {
        Changed::Done => {
            visitor.person.tell(Flash { text: texts.change_done.into(), is_warning: false });
            Ok(Redirect::to("/my").into_response())
        }
        Changed::Problem(words, rules) => Ok(change_page(&visitor, Some(words), &rules).into_response()),
    }
}

fn change_with(store: &Session, name: &str, texts: &'static Texts, form: &Change) -> Result<Changed, Failure> {
    let problem = |words, typed| Ok(Changed::Problem(words, rules_for(store, name, typed)?));
    let (Some(old), Some(new), Some(_)) = (form.old.pin(), form.new.pin(), form.again.pin()) else {
        return problem(texts.change_missing, None);
    };
    if !form.new.is_same_as(&form.again) {
        return problem(texts.change_not_same, Some(new));
    }
    match change_pin(store, &Caller::Identity(by_identity(name)), old, new) {
        Ok(answer) if answer.accepted => Ok(Changed::Done),
        Ok(_) => problem(texts.change_refused, None),
        Err(e) if e.status == Status::WeakPin => {
            let mut rules = rules_for(store, name, Some(new))?;
            // Every other rule is kept, so the PIN was used before: only the change itself compares it with the
            // history.
            if rules.iter().all(|(_, kept)| *kept != Some(false)) {
                for (rule, kept) in &mut rules {
                    if matches!(rule, Refusal::Used { .. }) {
                        *kept = Some(false);
                    }
                }
            }
            Ok(Changed::Problem(texts.change_breaks, rules))
        }
        Err(e) => Err(nobody(e)),
    }
}
