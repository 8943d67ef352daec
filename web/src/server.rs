//! How the page is served: where it may listen, what every answer carries, how long and how large a request may be.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum_server::accept::DefaultAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Address, Handle, Server};
use hyper_util::rt::TokioTimer;
use serde_json::json;

use crate::app::{App, blocking};
use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::texts::texts_for;
use crate::{help_desk, log, my_pages, sign_in_pages};

/// Bytes that a form may have.
const LARGEST_FORM: usize = 16 * 1024;
/// How long a request's head may take to arrive.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a whole request may take, its body and its answer included.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Threads that wait for disks and hashes; a hash takes 19 MiB.
const BLOCKING_THREADS: usize = 16;
/// How long requests that are under way may go on when the program is told to end.
const END_WITHIN: Duration = Duration::from_secs(10);

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    /// An address and port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix:") {
            Some(path) if !path.is_empty() => Ok(Listen::Unix(path.into())),
            Some(_) => Err("the path of the socket is missing behind unix:".into()),
            None => text.parse().map(Listen::Tcp).map_err(|e| format!("{e}; for example 127.0.0.1:8025")),
        }
    }
}

/// What must hold before anything listens.
pub(crate) fn check(listen: &Listen, tls: bool, configuration: &Configuration) -> Result<(), String> {
    match listen {
        Listen::Tcp(address) if configuration.proxy.is_some() => Err(format!(
            "[proxy] trusts a header, and whoever reaches {address} could send one. Nothing was started. Listen on a \
             socket (--listen unix:PATH) that the proxy alone may open."
        )),
        Listen::Tcp(address) if !tls && !address.ip().is_loopback() => Err(format!(
            "{address} is not loopback, and without --certificate and --private-key everybody between could read \
             along. Nothing was started."
        )),
        Listen::Unix(_) if tls => Err("a socket needs no certificate. Nothing was started.".into()),
        #[cfg(not(unix))]
        Listen::Unix(_) => Err("this system has no such sockets here. Nothing was started.".into()),
        _ => Ok(()),
    }
}

/// Serves until told to end.
pub(crate) fn serve(app: Arc<App>, listen: Listen, tls: Option<(PathBuf, PathBuf)>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(|e| format!("no threads: {e}. Nothing was started."))?;
    runtime.block_on(async {
        match listen {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).map_err(|e| cannot_listen(&address.to_string(), &e))?;
                listener.set_nonblocking(true).map_err(|e| cannot_listen(&address.to_string(), &e))?;
                // The port may have been chosen by the system.
                let shown = listener.local_addr().map_or_else(|_| address.to_string(), |a| a.to_string());
                let failed = |e: std::io::Error| cannot_listen(&shown, &e);
                match tls {
                    None => run(axum_server::from_tcp(listener).map_err(failed)?, app, &shown).await,
                    Some((certificate, key)) => {
                        let _ = rustls::crypto::ring::default_provider().install_default();
                        let config = RustlsConfig::from_pem_chain_file(&certificate, &key).await.map_err(|e| {
                            format!(
                                "the certificate {} or its key {} cannot be used: {e}. Nothing was started.",
                                certificate.display(),
                                key.display()
                            )
                        })?;
                        run(axum_server::from_tcp_rustls(listener, config).map_err(failed)?, app, &shown).await
                    }
                }
            }
            #[cfg(unix)]
            Listen::Unix(path) => {
                let shown = path.display().to_string();
                let listener = unix_listener(&path).map_err(|e| cannot_listen(&shown, &e))?;
                let server = axum_server::from_unix(listener).map_err(|e| cannot_listen(&shown, &e))?;
                let ended = run(server, app, &shown).await;
                let _ = std::fs::remove_file(&path);
                ended
            }
            #[cfg(not(unix))]
            Listen::Unix(path) => Err(format!("{}: not on this system", path.display())),
        }
    })
}

fn cannot_listen(place: &str, e: &std::io::Error) -> String {
    format!("{place} cannot be listened on: {e}. Nothing was started.")
}

/// A socket that the account and its group may open; the folder decides who else. One that a killed process left behind
/// is replaced, anything else that has its name is not.
#[cfg(unix)]
fn unix_listener(path: &std::path::Path) -> std::io::Result<std::os::unix::net::UnixListener> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};
    use std::os::unix::net::{UnixListener, UnixStream};

    if std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket()) && UnixStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn run<A, Acceptor>(mut server: Server<A, Acceptor>, app: Arc<App>, shown: &str) -> Result<(), String>
where
    A: Address + Send + Sync + 'static,
    Server<A, Acceptor>: Serve<A>,
{
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    let handle = Handle::new();
    let ending = handle.clone();
    tokio::spawn(async move {
        told_to_end().await;
        ending.graceful_shutdown(Some(END_WITHIN));
    });
    log::write(&format!("listening on {shown}"));
    server.handle(handle).serve_router(router(app)).await.map_err(|e| format!("{shown}: {e}"))
}

/// The two kinds of server that there are, with and without TLS.
trait Serve<A: Address> {
    async fn serve_router(self, router: Router) -> std::io::Result<()>;
}

macro_rules! serve {
    ($address:ty, $acceptor:ty) => {
        impl Serve<$address> for Server<$address, $acceptor> {
            async fn serve_router(self, router: Router) -> std::io::Result<()> {
                self.serve(router.into_make_service()).await
            }
        }
    };
}

serve!(SocketAddr, DefaultAcceptor);
serve!(SocketAddr, RustlsAcceptor);
#[cfg(unix)]
serve!(std::os::unix::net::SocketAddr, DefaultAcceptor);

async fn told_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(my_pages::first))
        .route("/my", get(my_pages::show))
        .route("/my/reset", get(my_pages::ask_reset).post(my_pages::reset))
        .route("/my/pin", get(my_pages::ask_change).post(my_pages::change))
        .route("/people", get(help_desk::find))
        .route("/people/attention", get(help_desk::attention))
        .route("/people/{guid}", get(help_desk::show))
        .route("/people/{guid}/reset", get(help_desk::ask_reset).post(help_desk::take_reset))
        .route("/people/{guid}/reset/confirm", get(help_desk::confirm_reset).post(help_desk::reset))
        .route("/people/{guid}/lock", get(help_desk::ask_lock).post(help_desk::lock))
        .route("/people/{guid}/unlock", get(help_desk::ask_unlock).post(help_desk::unlock))
        .route("/sign-in", get(sign_in_pages::sign_in))
        .route("/sign-in/return", get(sign_in_pages::come_back))
        .route("/sign-out", post(sign_in_pages::sign_out))
        .route("/signed-out", get(sign_in_pages::signed_out))
        .route("/healthz", get(health))
        .route("/style.css", get(style))
        .route("/icon.svg", get(icon))
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(from_fn(finish))
        .with_state(app)
}

/// What every answer carries; and what went wrong, as a page in the browser's language.
async fn finish(request: Request, next: Next) -> Response {
    let texts = texts_for(request.headers());
    let mut response = if announces_too_much(&request) {
        Failure::Http(StatusCode::PAYLOAD_TOO_LARGE).into_response()
    } else {
        let answer = tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await;
        answer.unwrap_or_else(|_| Failure::Http(StatusCode::REQUEST_TIMEOUT).into_response())
    };
    let failure = response.extensions_mut().remove::<Failure>().or_else(|| {
        // The server's own refusals, which are bare text or nothing.
        let is_page =
            response.headers().get(header::CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"text/html"));
        (response.status().is_client_error() && !is_page).then(|| Failure::Http(response.status()))
    });
    if let Some(failure) = failure {
        let cookies: Vec<HeaderValue> = response.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
        response = failure.page(texts);
        for cookie in cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; \
             base-uri 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
        ("strict-transport-security", "max-age=31536000"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language, cookie"));
    response
}

/// A body that announces more than a form may have is refused before a byte of it is read. One that announces no length
/// is cut at the same size.
fn announces_too_much(request: &Request) -> bool {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    length.is_some_and(|bytes| bytes > LARGEST_FORM as u64)
}

async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=300")];
    (kind, include_str!("style.css")).into_response()
}

async fn icon() -> Response {
    let kind = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "public, max-age=86400")];
    (kind, include_str!("icon.svg")).into_response()
}

/// Whether store, key and provider can be used, without detail: for load balancers and monitoring.
async fn health(State(app): State<Arc<App>>) -> Response {
    let at = Arc::clone(&app);
    let store = blocking(move || at.store.check().map_err(|e| Failure::Unavailable(e.message))).await;
    let provider = match &app.provider {
        Some(provider) => provider.check().await,
        None => Ok(()),
    };
    let word = |part: &Result<(), Failure>| match part {
        Ok(()) => "ok",
        Err(failure) => {
            log::write(&format!("/healthz: {failure:?}"));
            "failed"
        }
    };
    let told = json!({"store": word(&store), "provider": word(&provider)});
    let status = if store.is_ok() && provider.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CONTENT_TYPE, "application/json")], told.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn listens_only_where_nobody_reads_along_or_sends_headers_of_their_own() {
        let of = |text: &str| toml::from_str::<Configuration>(text).unwrap();
        let openid = of("url = 'https://v'\n[openid]\nissuer = 'https://i'\nclient_id = 'c'\n");
        let proxy = of("url = 'https://v'\n[proxy]\nuser_header = 'Remote-User'\n");
        let at = |text: &str| text.parse::<Listen>().unwrap();
        for (place, tls, configuration, may) in [
            ("127.0.0.1:8025", false, &openid, true),
            ("[::1]:8025", false, &openid, true),
            ("0.0.0.0:8025", false, &openid, false),
            ("192.0.2.1:443", false, &openid, false),
            ("0.0.0.0:443", true, &openid, true),
            ("127.0.0.1:8025", false, &proxy, false),
            ("0.0.0.0:443", true, &proxy, false),
        ] {
            assert_eq!(check(&at(place), tls, configuration).is_ok(), may, "{place} {tls}");
        }
        #[cfg(unix)]
        assert!(check(&at("unix:/run/umpin-web/socket"), false, &proxy).is_ok());
        assert!("unix:".parse::<Listen>().is_err() && "8025".parse::<Listen>().is_err());
    }
}
