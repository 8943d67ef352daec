//! Who asks: a person as the identity provider or the proxy names them, and what they may do.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;

use crate::app::App;
use crate::failure::Failure;
use crate::sessions;
use crate::state::{Flash, Pending};
use crate::texts::{Texts, texts_for};

/// What somebody may do beyond their own mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roles {
    /// Finds people, reads, resets with a generated PIN, locks and unlocks.
    pub help_desk: bool,
    /// May also type a PIN or another address for the notice.
    pub type_pin: bool,
    /// Reads what the help desk reads.
    pub auditor: bool,
}

impl Roles {
    /// Whether other people's mailboxes are shown.
    pub(crate) fn reads(self) -> bool {
        self.help_desk || self.auditor
    }
}

/// Somebody who is signed in.
pub(crate) struct Person {
    /// As the identity provider or the proxy named them; names the mailbox, and stands in the audit trail.
    pub name: String,
    /// By their groups.
    pub roles: Roles,
    /// The token that every form of theirs must carry.
    pub csrf: String,
    /// A session of the library that acts for them.
    pub store: Arc<umpin::session::Session>,
    pending: Mutex<Option<Pending>>,
    flash: Mutex<Option<Flash>>,
}

impl Person {
    pub(crate) fn new(app: &App, name: &str, roles: Roles) -> Result<Self, Failure> {
        Ok(Self {
            name: name.to_owned(),
            roles,
            csrf: sessions::random_token()?,
            store: Arc::new(app.store.on_behalf_of(name, "umpin-web")),
            pending: Mutex::default(),
            flash: Mutex::default(),
        })
    }

    /// Keeps a change that waits for its confirmation, in place of an earlier one.
    pub(crate) fn wait_for_confirmation(&self, pending: Pending) {
        *self.pending.lock().unwrap_or_else(PoisonError::into_inner) = Some(pending);
    }

    /// Looks at the change that waits, if it is still fresh.
    pub(crate) fn with_pending<T>(&self, look: impl FnOnce(&Pending) -> T) -> Option<T> {
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.as_ref().filter(|p| p.is_fresh()).map(look)
    }

    /// Takes the change that waits, if it is still fresh: it can be confirmed once.
    pub(crate) fn take_pending(&self) -> Option<Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).take().filter(Pending::is_fresh)
    }

    /// What the next page tells first.
    pub(crate) fn tell(&self, flash: Flash) {
        *self.flash.lock().unwrap_or_else(PoisonError::into_inner) = Some(flash);
    }

    /// Takes what this page tells first.
    pub(crate) fn told(&self) -> Option<Flash> {
        self.flash.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A request of somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Visitor {
    pub app: Arc<App>,
    pub person: Arc<Person>,
    pub texts: &'static Texts,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor
where
    Arc<App>: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let app = Arc::<App>::from_ref(state);
        let person = match &app.configuration.proxy {
            Some(proxy) => app.sessions.of_proxy(&app, proxy, &parts.headers)?,
            None => app.sessions.of_cookie(&parts.headers).ok_or_else(|| Failure::NotSignedIn {
                wanted: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            })?,
        };
        let texts = texts_for(&parts.headers);
        Ok(Self { app, person, texts })
    }
}

/// A request of somebody who may see other people's mailboxes.
pub(crate) struct Reader(pub Visitor);

impl<S: Send + Sync> FromRequestParts<S> for Reader
where
    Arc<App>: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        if visitor.person.roles.reads() { Ok(Self(visitor)) } else { Err(Failure::forbidden(&visitor.person, parts)) }
    }
}

/// A request of somebody who may change other people's mailboxes.
pub(crate) struct Helper(pub Visitor);

impl<S: Send + Sync> FromRequestParts<S> for Helper
where
    Arc<App>: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        if visitor.person.roles.help_desk { Ok(Self(visitor)) } else { Err(Failure::forbidden(&visitor.person, parts)) }
    }
}
