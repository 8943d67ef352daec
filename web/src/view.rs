//! What pages share: the frame, badges, dates. Everything that is shown is escaped by `html!`.

use axum::response::Html;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};
use umpin::pin::policy::LockReason;

use crate::identity::{Person, Visitor};
use crate::state::Glance;
use crate::texts::Texts;

/// Which entry of the navigation a page belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    My,
    Find,
    Attention,
}

/// How wide a page is at most.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// Tables.
    Wide,
    /// A form, or a few sentences.
    Narrow,
}

fn frame(texts: &Texts, title: &str, top: &Markup, width: Width, body: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang=(texts.tag) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " - " (texts.product) }
                link rel="stylesheet" href="/style.css";
                link rel="icon" href="/icon.svg" type="image/svg+xml";
            }
            body {
                a.skip href="#content" { (texts.skip) }
                header.top { div {
                    a.product href="/" { img src="/icon.svg" alt="" width="28" height="28"; (texts.product) }
                    (top)
                } }
                main #content .narrow[width == Width::Narrow] tabindex="-1" { (body) }
            }
        }
    };
    Html(page.into_string())
}

/// A page for somebody who may not be known.
pub(crate) fn bare_page(texts: &Texts, title: &str, body: Markup) -> Html<String> {
    frame(texts, title, &html! {}, Width::Narrow, &html! { h1 { (title) } section.card { (body) } })
}

/// A page of somebody who is signed in.
pub(crate) fn page(visitor: &Visitor, place: Place, title: &str, width: Width, body: &Markup) -> Html<String> {
    let (texts, person) = (visitor.texts, &visitor.person);
    let link = |at: Place, address: &str, words: &str| {
        html! { li { a href=(address) aria-current=[(place == at).then_some("page")] { (words) } } }
    };
    let top = html! {
        nav aria-label=(texts.navigation) { ul {
            (link(Place::My, "/my", texts.my_mailbox))
            @if person.roles.reads() {
                (link(Place::Find, "/people", texts.find))
                (link(Place::Attention, "/people/attention", texts.attention))
            }
        } }
        div.account {
            span { span.hidden { (texts.signed_in_as) " " } strong { (person.name) } }
            // Behind a proxy, the sign-in is the proxy's, and so is its end.
            @if visitor.app.provider.is_some() {
                form method="post" action="/sign-out" {
                    (token(person))
                    button.quiet type="submit" { (texts.sign_out) }
                }
            }
        }
    };
    let told = person.told();
    let body = html! {
        @if let Some(flash) = &told {
            @let title = if flash.is_warning { texts.warning } else { texts.done };
            (told_box(title, flash.is_warning, &html! { p { (flash.text) } }))
        }
        (body)
    };
    frame(texts, title, &top, width, &body)
}

/// A box at the top: what was done, or what is left to do.
pub(crate) fn told_box(title: &str, is_warning: bool, words: &Markup) -> Markup {
    html! {
        div.told .warn[is_warning] .good[!is_warning] role="status" { strong { (title) } (words) }
    }
}

/// What was not done, and why. The library's words are English.
pub(crate) fn problem(texts: &Texts, words: &Markup) -> Markup {
    html! { div.told.bad role="alert" { strong { (texts.problem) } (words) } }
}

/// The library's own words in a paragraph.
pub(crate) fn english(texts: &Texts, words: &str) -> Markup {
    html! { p lang=[(!texts.is_english()).then_some("en")] { (words) } }
}

/// The hidden field that every form carries.
pub(crate) fn token(person: &Person) -> Markup {
    html! { input type="hidden" name="csrf" value=(person.csrf); }
}

/// Locked or not, in Exchange's words.
pub(crate) fn lock_badge(texts: &Texts, glance: &Glance) -> Markup {
    match glance.lock {
        Some(_) => html! { span.badge.bad { (texts.locked) } },
        None => html! { span.badge.good { (texts.not_locked) } },
    }
}

/// Expired or not.
pub(crate) fn expiry_badge(texts: &Texts, glance: &Glance) -> Markup {
    if glance.expired {
        html! { span.badge.warn { (texts.expired) } }
    } else {
        html! { span.badge.good { (texts.not_expired) } }
    }
}

/// Why nobody signs in.
pub(crate) fn lock_words(texts: &Texts, reason: LockReason) -> &'static str {
    match reason {
        LockReason::Administrator => texts.lock_administrator,
        LockReason::TooManyFailures => texts.lock_failures,
        LockReason::TooManyFailuresInTotal => texts.lock_total,
    }
}

/// A moment in the machine's own time zone, to the minute.
pub(crate) fn moment(milliseconds: i64) -> Markup {
    let Ok(at) = Timestamp::from_millisecond(milliseconds) else { return html! {} };
    let local = at.to_zoned(TimeZone::system());
    let exact = format!("{at:.0}");
    html! { time datetime=(exact) { (local.strftime("%Y-%m-%d %H:%M %Z").to_string()) } }
}
