//! What all requests share.

use std::sync::Arc;

use umpin::session::Session;

use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::identity::Person;
use crate::limits::Limits;
use crate::open_id::Provider;
use crate::sessions::Sessions;

/// What all requests share.
pub(crate) struct App {
    pub configuration: Configuration,
    /// The store, on nobody's behalf.
    pub store: Session,
    pub sessions: Sessions,
    pub limits: Limits,
    /// Where the proxy signs people in, there is none.
    pub provider: Option<Provider>,
}

impl App {
    pub(crate) fn new(configuration: Configuration, store: Session) -> Result<Arc<Self>, String> {
        let provider = match &configuration.openid {
            Some(settings) => Some(Provider::new(settings.clone(), configuration.origin())?),
            None => None,
        };
        let (sessions, limits) = (Sessions::new(), Limits::default());
        Ok(Arc::new(Self { configuration, store, sessions, limits, provider }))
    }
}

/// Does what waits for disks and hashes where it keeps no other request waiting.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(e) => Err(Failure::Unavailable(format!("a page was not finished: {e}"))),
    }
}

/// The same with the store on somebody's behalf.
pub(crate) async fn with_store<T: Send + 'static>(
    person: &Arc<Person>,
    work: impl FnOnce(&Session) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let store = Arc::clone(&person.store);
    blocking(move || work(&store)).await
}
