//! TLS to the server, by rustls.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::password::open_to_others;
use super::url::{Address, Tls};
use crate::error::{Error, Result, Status};

/// What every connection of a store is protected with.
#[derive(Clone)]
pub(super) struct Connector(Arc<ClientConfig>);

impl Connector {
    /// Reads the certificates that the address names.
    pub(super) fn new(address: &Address) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let protocols = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| Error::new(Status::Internal, format!("TLS cannot be set up: {e}.")))?;
        let verified = match address.tls {
            Tls::Disable | Tls::Prefer | Tls::Require => {
                protocols.dangerous().with_custom_certificate_verifier(Arc::new(Verifier { roots: None, provider }))
            }
            Tls::VerifyCa => {
                let roots = WebPkiServerVerifier::builder_with_provider(
                    Arc::new(root_certificates(address)?),
                    Arc::clone(&provider),
                )
                .build()
                .map_err(|e| Error::new(Status::StoreCertificate, format!("No authority can be used: {e}.")))?;
                protocols
                    .dangerous()
                    .with_custom_certificate_verifier(Arc::new(Verifier { roots: Some(roots), provider }))
            }
            Tls::VerifyFull => protocols.with_root_certificates(root_certificates(address)?),
        };
        let home = |file: &str| home_file(file).filter(|path| path.is_file());
        let certificate = address.certificate.clone().or_else(|| home("postgresql.crt"));
        let config = match certificate {
            None => verified.with_no_client_auth(),
            Some(certificate) => {
                let key = address
                    .key
                    .clone()
                    .or_else(|| home("postgresql.key"))
                    .ok_or_else(|| unusable(&certificate, "there is no key for it; name that in sslkey"))?;
                if let Some(who) = open_to_others(&key).map_err(|e| unusable(&key, &e.to_string()))? {
                    return Err(unusable(&key, &format!("{who} can read it; take that right away")));
                }
                let chain = certificates(&certificate)?;
                let secret = PrivateKeyDer::from_pem_file(&key).map_err(|e| unusable(&key, &e.to_string()))?;
                verified.with_client_auth_cert(chain, secret).map_err(|e| unusable(&certificate, &e.to_string()))?
            }
        };
        Ok(Self(Arc::new(config)))
    }
}

/// A file of the account's own, where libpq looks for it.
fn home_file(name: &str) -> Option<PathBuf> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let folder = match std::env::var_os("APPDATA").filter(|_| cfg!(windows)) {
        Some(folder) => PathBuf::from(folder).join("postgresql"),
        None => home?.join(".postgresql"),
    };
    Some(folder.join(name))
}

fn root_certificates(address: &Address) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let named = address.root_certificates.clone().or_else(|| home_file("root.crt").filter(|path| path.is_file()));
    if let Some(path) = named {
        for certificate in certificates(&path)? {
            roots.add(certificate).map_err(|e| unusable(&path, &e.to_string()))?;
        }
        return Ok(roots);
    }
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(Error::new(
            Status::StoreCertificate,
            "This system trusts no authority, so no server's certificate can be verified. Nothing was changed. Name \
             the file with your authority's certificate in sslrootcert.",
        ));
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let all: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|e| unusable(path, &e.to_string()))?;
    if all.is_empty() { Err(unusable(path, "there is none in it")) } else { Ok(all) }
}

fn unusable(path: &Path, why: &str) -> Error {
    Error::new(
        Status::StoreCertificate,
        format!("The certificate '{}' cannot be used: {why}. Nothing was changed.", path.display()),
    )
}

/// For URLs that say explicitly that less than everything is verified.
#[derive(Debug)]
struct Verifier {
    /// The authorities that are trusted; absent where everybody is.
    roots: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let Some(roots) = &self.roots else { return Ok(ServerCertVerified::assertion()) };
        match roots.verify_server_cert(server, between, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            told => told,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Connector {
    type Stream = Stream<S>;
    type TlsConnect = Handshake;
    type Error = rustls::pki_types::InvalidDnsNameError;

    fn make_tls_connect(&mut self, host: &str) -> std::result::Result<Handshake, Self::Error> {
        // A socket has no name, and nobody asks for TLS on it.
        let name = if host.is_empty() { "localhost" } else { host };
        Ok(Handshake { config: Arc::clone(&self.0), name: ServerName::try_from(name)?.to_owned() })
    }
}

pub(super) struct Handshake {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Stream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let connecting = tokio_rustls::TlsConnector::from(self.config).connect(self.name, stream);
        Box::pin(async move { connecting.await.map(Stream) })
    }
}

pub(super) struct Stream<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Stream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
