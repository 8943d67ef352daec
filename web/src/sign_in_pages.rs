//! To the provider, back from it, and out.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use maud::html;
use serde::Deserialize;

use crate::app::App;
use crate::failure::Failure;
use crate::forms::{Confirmed, Posted};
use crate::identity::Person;
use crate::open_id::own_path;
use crate::texts::texts_for;
use crate::view;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    next: String,
}

/// Sends the browser to the provider.
pub(crate) async fn sign_in(State(app): State<Arc<App>>, Query(wanted): Query<Wanted>) -> Result<Response, Failure> {
    let Some(provider) = &app.provider else { return Ok(Redirect::to("/").into_response()) };
    let (address, started) = provider.start(own_path(&wanted.next)).await?;
    let cookie = app.sessions.start(started)?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, address), (header::SET_COOKIE, cookie)]).into_response())
}

#[derive(Deserialize)]
pub(crate) struct Answer {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Takes the provider's answer. A new session begins, whatever cookie the browser brought.
pub(crate) async fn come_back(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Result<Response, Failure> {
    let Some(provider) = &app.provider else { return Err(Failure::NotFound) };
    let (started, forget) = app.sessions.started(&headers);
    let told = async {
        let started =
            started.ok_or_else(|| Failure::SignIn("this browser began no sign-in, or too long ago".into()))?;
        if let Some(error) = answer.error {
            let why = answer.error_description.unwrap_or_default();
            return Err(Failure::SignIn(format!("the provider answered {error}: {why}")));
        }
        let (Some(code), Some(state)) = (answer.code, answer.state) else {
            return Err(Failure::SignIn("the answer has no code or no state".into()));
        };
        let wanted = started.wanted.clone();
        let vouched = provider.finish(started, &state, code).await?;
        let roles = app.configuration.roles.roles_of(&vouched.groups);
        let person = Person::new(&app, &vouched.name, roles)?;
        Ok((app.sessions.begin(person, &headers)?, wanted))
    };
    let (cookie, wanted) = match told.await {
        Ok(told) => told,
        // The sign-in is used up by a failure as well.
        Err(failure) => return Ok((AppendHeaders([(header::SET_COOKIE, forget)]), failure).into_response()),
    };
    let cookies = AppendHeaders([(header::SET_COOKIE, forget), (header::SET_COOKIE, cookie)]);
    Ok((cookies, Redirect::to(&wanted)).into_response())
}

/// Ends the session. The provider's own session is another matter, which the next page offers to end.
pub(crate) async fn sign_out(headers: HeaderMap, posted: Posted<Confirmed>) -> Response {
    let cookie = posted.visitor.app.sessions.end(&headers);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/signed-out")).into_response()
}

/// The page after signing out.
pub(crate) async fn signed_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let texts = texts_for(&headers);
    let at_provider = match &app.provider {
        Some(provider) => provider.sign_out_address().await,
        None => None,
    };
    view::bare_page(
        texts,
        texts.signed_out_title,
        html! {
            p { (texts.signed_out) }
            p.actions {
                a.button.main href="/" { (texts.sign_in) }
                @if let Some(address) = at_provider { a.button href=(address) { (texts.sign_out_provider) } }
            }
        },
    )
    .into_response()
}
