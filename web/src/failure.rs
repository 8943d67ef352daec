//! What goes wrong, as a page: to the person without detail, to the log with it.

use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use umpin::error::{Error, Status};

use crate::identity::Person;
use crate::log;
use crate::texts::Texts;
use crate::view;

/// Why a request is answered with a page about an error.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// Nobody is signed in; they may come back to this address.
    NotSignedIn {
        /// Path and query.
        wanted: String,
    },
    /// The proxy named nobody, or its headers cannot be believed.
    NoName(String),
    /// The role is missing.
    Forbidden(String),
    /// There is no such page, or nobody of that name.
    NotFound,
    /// Somebody without a mailbox asked for their own.
    NoMailbox,
    /// The form did not come from a page of ours.
    Forged(String),
    /// The change that was to be confirmed is gone.
    Stale,
    /// A limit is reached.
    TooMany,
    /// The provider, or what came back from it, was not to be believed.
    SignIn(String),
    /// The provider cannot be reached.
    Provider(String),
    /// The store, its key or the machine.
    Unavailable(String),
    /// Whatever the server itself refuses: a wrong method, a body that is too large.
    Http(StatusCode),
}

impl Failure {
    /// Somebody asked for a page that their groups do not open.
    pub(crate) fn forbidden(person: &Person, parts: &Parts) -> Self {
        Failure::Forbidden(format!("{} has no role for {} {}", person.name, parts.method, parts.uri.path()))
    }

    fn status(&self) -> StatusCode {
        match self {
            Failure::NotSignedIn { .. } => StatusCode::SEE_OTHER,
            Failure::NoName(_) | Failure::Forbidden(_) | Failure::Forged(_) => StatusCode::FORBIDDEN,
            Failure::NotFound | Failure::NoMailbox => StatusCode::NOT_FOUND,
            Failure::Stale => StatusCode::CONFLICT,
            Failure::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Failure::SignIn(_) => StatusCode::BAD_REQUEST,
            Failure::Provider(_) | Failure::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Http(status) => *status,
        }
    }

    fn detail(&self) -> Option<String> {
        let (what, detail) = match self {
            Failure::NoName(detail) => ("nobody is named", detail),
            Failure::Forbidden(detail) => ("forbidden", detail),
            Failure::Forged(detail) => ("a form was refused", detail),
            Failure::SignIn(detail) => ("a sign-in was refused", detail),
            Failure::Provider(detail) => ("the identity provider cannot be used", detail),
            Failure::Unavailable(detail) => ("the store cannot be used", detail),
            _ => return None,
        };
        Some(format!("{what}: {detail}"))
    }

    /// The page, with the detail in the log.
    pub(crate) fn page(&self, texts: &'static Texts) -> Response {
        if let Some(detail) = self.detail() {
            log::write(&detail);
        }
        if let Failure::NotSignedIn { wanted } = self {
            let wanted = serde_urlencoded_pair("next", wanted);
            return (self.status(), [(header::LOCATION, format!("/sign-in?{wanted}"))]).into_response();
        }
        let (title, text) = match self {
            Failure::NotSignedIn { .. } | Failure::NoName(_) => (texts.no_name_title, texts.no_name),
            Failure::Forbidden(_) => (texts.forbidden_title, texts.forbidden),
            Failure::NotFound => (texts.not_found_title, texts.not_found),
            Failure::NoMailbox => (texts.no_mailbox_title, texts.no_mailbox),
            Failure::Forged(_) => (texts.forged_title, texts.forged),
            Failure::Stale => (texts.stale_title, texts.stale),
            Failure::TooMany => (texts.too_many_title, texts.too_many),
            Failure::SignIn(_) => (texts.sign_in_failed_title, texts.sign_in_failed),
            Failure::Provider(_) => (texts.provider_title, texts.provider),
            Failure::Unavailable(_) => (texts.unavailable_title, texts.unavailable),
            Failure::Http(StatusCode::PAYLOAD_TOO_LARGE) => (texts.too_large_title, texts.too_large),
            Failure::Http(StatusCode::REQUEST_TIMEOUT) => (texts.slow_title, texts.slow),
            Failure::Http(StatusCode::NOT_FOUND) => (texts.not_found_title, texts.not_found),
            Failure::Http(_) => (texts.bad_request_title, texts.bad_request),
        };
        (self.status(), view::bare_page(texts, title, maud::html! { p { (text) } })).into_response()
    }
}

/// `name=value`, percent-encoded for a query.
fn serde_urlencoded_pair(name: &str, value: &str) -> String {
    openidconnect::url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}

/// The page itself is made where the language is known: in `server::finish`.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A refusal that follows from the request becomes an answer to whoever sent it; everything else is a fault of the
/// machine's, with its words in the log.
impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        match e.status {
            Status::NotFound | Status::NotUmEnabled | Status::Ambiguous | Status::InvalidIdentity => Failure::NotFound,
            Status::InvalidRequest | Status::InvalidArgument => Failure::Http(StatusCode::BAD_REQUEST),
            Status::Conflict => Failure::Stale,
            _ => Failure::Unavailable(e.message),
        }
    }
}

/// Whether whoever asked can mend this by asking for something else.
pub(crate) fn is_the_askers(e: &Error) -> bool {
    matches!(
        e.status,
        Status::WeakPin
            | Status::InvalidNotifyEmail
            | Status::NotUmEnabled
            | Status::SignInRefused
            | Status::NoMailbox
            | Status::PinGeneration
    )
}
