//! A connection whose requests go to the server together: what needs no answer of its own (a beginning, a lock, a row
//! that is written) waits for the next request that does, and one way there and back serves them all.
//!
//! The server works them off in their order. Once one fails, it refuses the rest until the transaction ends; so the
//! first failure is the one that is told, by whichever call waits for answers next.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Config, Error};

use super::tls::Connector;

/// A request that was, or is to be, sent, and whose answer says nothing but whether it was done.
type Request = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// An open connection. (The order of the fields is the order of its end: the driver says good-bye when nobody is left
/// who could ask anything.)
pub(super) struct Pipeline {
    /// How long an answer is waited for; without it, for as long as the connection stands.
    pub(super) limit: Option<Duration>,
    unanswered: Vec<Request>,
    client: Arc<Client>,
    driver: Driver,
}

/// What reads and writes.
struct Driver {
    connection: Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>,
    runtime: Runtime,
    has_ended: bool,
}

impl Pipeline {
    /// What a connection runs on: this thread, whenever it waits.
    pub(super) fn runtime() -> std::io::Result<Runtime> {
        Builder::new_current_thread().enable_all().build()
    }

    /// `None` where it took longer than this to be let in: also a server that stands still is reached.
    pub(super) fn connect(
        runtime: Runtime,
        config: &Config,
        connector: Connector,
        limit: Duration,
    ) -> Option<Result<Self, Error>> {
        let told = runtime.block_on(async { tokio::time::timeout(limit, config.connect(connector)).await }).ok()?;
        Some(told.map(|(client, connection)| Self {
            limit: None,
            unanswered: Vec::new(),
            client: Arc::new(client),
            driver: Driver { connection: Box::pin(connection), runtime, has_ended: false },
        }))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.driver.has_ended || self.client.is_closed()
    }

    /// Whether the server has not closed it by now, looked at anew.
    pub(super) fn is_alive(&mut self) -> bool {
        let Driver { connection, runtime, has_ended } = &mut self.driver;
        if !*has_ended {
            runtime.block_on(async {
                // What came meanwhile is seen only once the system was asked.
                tokio::task::yield_now().await;
                poll_fn(|cx| {
                    *has_ended = connection.as_mut().poll(cx).is_ready();
                    Poll::Ready(())
                })
                .await;
            });
        }
        !self.is_closed()
    }

    /// What makes requests, for [`Pipeline::later`] and [`Pipeline::answer`].
    pub(super) fn client(&self) -> Arc<Client> {
        Arc::clone(&self.client)
    }

    /// Asks with the next request that is waited for, before it.
    pub(super) fn later(&mut self, request: impl Future<Output = Result<(), Error>> + Send + 'static) {
        self.unanswered.push(Box::pin(request));
    }

    /// The same of a text without parameters.
    pub(super) fn later_batch(&mut self, text: impl AsRef<str> + Send + Sync + 'static) {
        let client = self.client();
        self.later(async move { client.batch_execute(text.as_ref()).await });
    }

    /// Asks, and waits for the answers to this and to all that was asked before it.
    pub(super) fn answer<T>(&mut self, request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut request = pin!(request);
        if let Some(limit) = self.limit
            && let Some(told) = self.answer_within(limit, request.as_mut())
        {
            return told;
        }
        // Where the time is over the connection is, and this is told so.
        let Self { unanswered, driver, .. } = self;
        let Driver { connection, runtime, has_ended } = driver;
        runtime.block_on(answered(unanswered, connection, has_ended, request))
    }

    /// The same for at most so long; `None` where the time is over, after which nothing can be asked any more.
    pub(super) fn answer_within<T>(
        &mut self,
        limit: Duration,
        request: impl Future<Output = Result<T, Error>>,
    ) -> Option<Result<T, Error>> {
        let Self { unanswered, driver, .. } = self;
        let Driver { connection, runtime, has_ended } = driver;
        let told = runtime.block_on(async {
            tokio::time::timeout(limit, answered(unanswered, connection, has_ended, request)).await
        });
        if told.is_err() {
            self.driver.end();
        }
        told.ok()
    }

    /// Waits for the answers to all that was asked.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        if self.unanswered.is_empty() { Ok(()) } else { self.answer(std::future::ready(Ok(()))) }
    }

    /// How many requests were asked and not waited for.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// Sends what was asked and does not wait for the answers: whoever asks next gets them.
    pub(super) fn send(&mut self) {
        let Self { unanswered, driver, .. } = self;
        let Driver { connection, runtime, has_ended } = driver;
        runtime.block_on(poll_fn(|cx| {
            // A failure here is the end of the connection, which the next request will find.
            let _ = ask(unanswered);
            if !*has_ended {
                *has_ended = connection.as_mut().poll(cx).is_ready();
            }
            Poll::Ready(())
        }));
    }
}

/// Sends what was not sent, and takes the answers that are there.
fn ask(unanswered: &mut Vec<Request>) -> Result<(), Error> {
    let (mut cx, mut told) = (Context::from_waker(Waker::noop()), Ok(()));
    unanswered.retain_mut(|request| match request.as_mut().poll(&mut cx) {
        Poll::Pending => true,
        Poll::Ready(one) => {
            told = std::mem::replace(&mut told, Ok(())).and(one);
            false
        }
    });
    told
}

/// Nothing but the connection brings requests forward, so they are looked at whenever it was, and wake nobody.
async fn answered<T>(
    unanswered: &mut Vec<Request>,
    connection: &mut Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>,
    has_ended: &mut bool,
    request: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut request = pin!(request);
    let (mut before, mut told) = (Ok(()), None);
    poll_fn(|cx| {
        let mut is_looked_at = false;
        loop {
            before = std::mem::replace(&mut before, Ok(())).and(ask(unanswered));
            if told.is_none()
                && let Poll::Ready(answer) = request.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            {
                told = Some(answer);
            }
            if unanswered.is_empty()
                && let Some(told) = told.take()
            {
                return Poll::Ready(std::mem::replace(&mut before, Ok(())).and(told));
            }
            if is_looked_at {
                return Poll::Pending;
            }
            // Once it is gone, every request is told so.
            if !*has_ended && let Poll::Ready(end) = connection.as_mut().poll(cx) {
                *has_ended = true;
                *connection = over();
                if let Err(why) = end {
                    return Poll::Ready(std::mem::replace(&mut before, Ok(())).and(Err(why)));
                }
            }
            is_looked_at = true;
        }
    })
    .await
}

/// In the place of a connection that has ended: with it go the ends at which requests wait.
fn over() -> Pin<Box<dyn Future<Output = Result<(), Error>> + Send>> {
    Box::pin(std::future::ready(Ok(())))
}

impl Driver {
    fn end(&mut self) {
        self.has_ended = true;
        self.connection = over();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if !self.has_ended {
            let Self { connection, runtime, .. } = self;
            runtime.block_on(poll_fn(|cx| {
                let _ = connection.as_mut().poll(cx);
                Poll::Ready(())
            }));
        }
    }
}
